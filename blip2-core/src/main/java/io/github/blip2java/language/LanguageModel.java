/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.internal.tensor.Tensor;

/**
 * A language model that reads embeddings and writes tokens: OPT or T5.
 *
 * <p>Immutable and safe for many threads; every generation has its own {@link DecoderState}.
 */
public interface LanguageModel {

    /**
     * Gives the model's configuration.
     *
     * @return sizes and special tokens
     */
    LanguageModelConfig config();

    /**
     * Gives the width of a token embedding, which image features must have too.
     *
     * @return floats per token
     */
    int embeddingWidth();

    /**
     * Looks token embeddings up.
     *
     * @param inputIds {@code [batch, seq]}, 0 to vocab - 1 each
     * @return {@code [batch, seq, embeddingWidth]}
     * @throws IllegalArgumentException if an id is outside the vocabulary
     */
    Tensor embedTokens(long[][] inputIds);

    /**
     * Computes contextual features of a text: the last hidden state of OPT's decoder or of T5's encoder.
     *
     * @param inputsEmbeds  {@code [batch, seq, embeddingWidth]}
     * @param attentionMask {@code [batch, seq]}, 1 = keep
     * @return {@code [batch, seq, hidden]}
     */
    Tensor textFeatures(Tensor inputsEmbeds, long[][] attentionMask);

    /**
     * Runs the whole model over whole sequences.
     *
     * @param inputs embeddings, masks and, for an encoder–decoder model, decoder tokens
     * @return logits for every position and what else was asked for
     * @throws IllegalArgumentException if decoder tokens are missing, or a sequence is longer than the model allows
     */
    LanguageModelOutput forward(LanguageModelInputs inputs);

    /**
     * Checks the decoder's tokens of a full pass, or makes them from labels.
     *
     * @param decoderInputIds {@code [batch, target]}, or null
     * @param labels          {@code [batch, target]}, ids or −100 where no loss is wanted, checked already; or null
     * @return {@code [batch, target]}; null for a decoder-only model, whose text is the input
     * @throws IllegalArgumentException if an encoder–decoder model gets neither, a decoder-only model gets
     *     decoderInputIds, or one is no id of the vocabulary
     */
    long[][] decoderIds(long[][] decoderInputIds, long[][] labels);

    /**
     * Says what stands before the new tokens of a generated sequence.
     *
     * @param inputIds {@code [batch, seq]}, the prompts
     * @return {@code [batch, length]}: the prompts of a decoder-only model, the start tokens of an encoder–decoder model
     */
    long[][] prefix(long[][] inputIds);

    /**
     * Says what maximal and minimal lengths count before the new tokens.
     *
     * @param positions positions of a prompt, image tokens and padding included
     * @return those of a decoder-only model, 1 for the start token of an encoder–decoder model
     */
    int promptLength(int positions);

    /**
     * Reads prompts and makes ready for the first new token.
     *
     * @param prompt       the embedded prompts
     * @param maxNewTokens tokens that may follow; memory is taken as they come
     * @return the state before the first new token
     * @throws IllegalArgumentException if prompt and new tokens are longer than the model allows
     */
    default DecoderState start(Prompt prompt, int maxNewTokens) {
        return start(prompt, maxNewTokens, false, false);
    }

    /**
     * Reads prompts and makes ready for the first new token, and keeps what happens.
     *
     * @param prompt       the embedded prompts
     * @param maxNewTokens tokens that may follow; memory is taken as they come
     * @param hiddenStates whether each pass keeps its hidden states
     * @param attentions   whether each pass keeps its attention probabilities
     * @return the state before the first new token
     * @throws IllegalArgumentException if prompt and new tokens are longer than the model allows
     */
    DecoderState start(Prompt prompt, int maxNewTokens, boolean hiddenStates, boolean attentions);
}
