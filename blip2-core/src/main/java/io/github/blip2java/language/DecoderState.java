/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.internal.tensor.Tensor;

/**
 * A batch of sequences in the middle of being generated: all that a search knows of a language model.
 *
 * <p>Belongs to one call; not safe for several threads.
 */
public interface DecoderState {

    /**
     * The scores of every token to come next.
     *
     * @return {@code [rows, vocab]}, raw logits; the caller may not change them
     */
    Tensor logits();

    /**
     * The hidden states that the last pass ended with: after the start those of the prompt (of the start token for an
     * encoder–decoder model), later those of the tokens appended last.
     *
     * @param row which sequence
     * @return {@code [positions, hidden]}, what the output layer reads; a copy
     */
    Tensor hidden(int row);

    /**
     * What happened in the last pass, as far as it was to be kept.
     *
     * @param row which sequence
     * @return its part; its lists are null where nothing was to be kept
     */
    DecoderPass pass(int row);

    /**
     * Appends one token to every sequence and computes the next logits.
     *
     * @param tokens one id for each row
     */
    void advance(int... tokens);

    /**
     * Appends several tokens to every sequence at once. {@link #logits} are then those after the last.
     *
     * @param tokens one id or more for each row
     * @return {@code [all tokens, vocab]}: the logits after each of them, row by row
     */
    Tensor advance(int[][] tokens);

    /**
     * Forgets the last positions of every sequence. {@link #logits} and {@link #hidden} are of no use until the next advance.
     *
     * @param counts how many tokens of each row; none of the prompt
     */
    void drop(int... counts);

    /**
     * Keeps, repeats or reorders sequences, as finished rows or beams demand. Nothing is copied before they go on.
     *
     * @param rows for each new sequence, which old one it continues
     */
    void select(int... rows);
}
