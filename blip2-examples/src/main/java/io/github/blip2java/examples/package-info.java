/* SPDX-License-Identifier: Apache-2.0 */

/**
 * Short programs that show how to use the library. {@code FirstCaption} brings its model along; the others take a checkpoint
 * folder.
 */
package io.github.blip2java.examples;
