/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples.verify;

final class ProcessorChecks {
    static void run(ReferenceCase r, io.github.blip2java.Blip2Config c, java.util.function.Consumer<Check> report) {}
}
