/* SPDX-License-Identifier: Apache-2.0 */

/** Processors of scores, one class each, named as in {@code transformers}, and the order in which they run. */
package io.github.blip2java.generation.logits;
