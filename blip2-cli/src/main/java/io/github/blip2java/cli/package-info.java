/* SPDX-License-Identifier: Apache-2.0 */

/** The command line program. Not a library: nothing depends on it. */
package io.github.blip2java.cli;
