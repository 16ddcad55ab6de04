/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.tensor.Tensor;

/**
 * What one full pass through a language model reads.
 *
 * @param inputsEmbeds         {@code [batch, seq, width]}: text embeddings with the image features in place
 * @param attentionMask        {@code [batch, seq]}, 1 = keep
 * @param decoderInputIds      {@code [batch, target]}, encoder–decoder models only
 * @param decoderAttentionMask {@code [batch, target]} or null for all ones
 * @param outputHiddenStates   whether to return the hidden states
 * @param outputAttentions     whether to return the attention probabilities
 */
public record LanguageModelInputs(
        Tensor inputsEmbeds,
        long[][] attentionMask,
        long[][] decoderInputIds,
        long[][] decoderAttentionMask,
        boolean outputHiddenStates,
        boolean outputAttentions) {}
