/* SPDX-License-Identifier: Apache-2.0 */

/**
 * Decoding of several tokens at once that something cheaper has guessed: what was written before, or a smaller model. What is written
 * does not change by it.
 */
package io.github.blip2java.generation.assisted;
