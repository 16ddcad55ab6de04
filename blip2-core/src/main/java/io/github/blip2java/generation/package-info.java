/* SPDX-License-Identifier: Apache-2.0 */

/**
 * From logits to text: options, strategies, processors of scores, stopping rules. Knows {@code LanguageModel}, never OPT or
 * T5.
 */
package io.github.blip2java.generation;
