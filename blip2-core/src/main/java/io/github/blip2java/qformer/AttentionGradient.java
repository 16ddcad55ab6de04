/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.internal.tensor.Tensor;

/**
 * How queries attended to an image in one layer, and how much a score depends on it. Reference: {@code get_attention_map} and
 * {@code get_attn_gradients} of the cross-attention in LAVIS.
 *
 * @param probabilities {@code [heads, queries, patches + 1]}, each row with the sum 1
 * @param gradient      derivatives of the score by the probabilities, of the same shape
 */
public record AttentionGradient(Tensor probabilities, Tensor gradient) {}
