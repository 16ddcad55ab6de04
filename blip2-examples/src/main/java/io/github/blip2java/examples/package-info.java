/* SPDX-License-Identifier: Apache-2.0 */

/** The command line program and short example programs. */
package io.github.blip2java.examples;
