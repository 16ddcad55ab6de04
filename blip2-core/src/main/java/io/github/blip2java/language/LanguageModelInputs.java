/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.internal.tensor.Tensor;

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
        boolean outputAttentions) {

    /**
     * Checks that the masks fit what they mask.
     *
     * @param inputsEmbeds as above
     * @param attentionMask as above
     * @param decoderInputIds as above
     * @param decoderAttentionMask as above
     * @param outputHiddenStates as above
     * @param outputAttentions as above
     * @throws IllegalArgumentException if the embeddings are no {@code [batch, seq, width]}, or a mask has another shape
     */
    public LanguageModelInputs {
        if (inputsEmbeds.rank() != 3) {
            throw new IllegalArgumentException("inputsEmbeds: expected [batch, seq, width], got "
                    + Tensor.text(inputsEmbeds.shape()) + "; embedTokens makes this shape");
        }
        TokenIds.matrix("attentionMask", attentionMask, inputsEmbeds.dim(0), inputsEmbeds.dim(1));
        if (decoderInputIds != null) {
            TokenIds.matrix("decoderInputIds", decoderInputIds, inputsEmbeds.dim(0), -1);
        }
        if (decoderAttentionMask != null) {
            int target = decoderInputIds == null ? 0 : decoderInputIds[0].length;
            TokenIds.matrix("decoderAttentionMask", decoderAttentionMask, inputsEmbeds.dim(0), target);
        }
        attentionMask = TokenIds.copy(attentionMask);
        decoderInputIds = TokenIds.copy(decoderInputIds);
        decoderAttentionMask = TokenIds.copy(decoderAttentionMask);
    }
}
