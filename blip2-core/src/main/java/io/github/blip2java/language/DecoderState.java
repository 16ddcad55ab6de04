/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.tensor.Tensor;

/**
 * A batch of sequences in the middle of being generated: all that a decoding strategy knows of a language model.
 *
 * <p>Belongs to one call; not safe for several threads.
 */
public interface DecoderState {

    /**
     * Gives the scores of every token to come next.
     *
     * @return {@code [rows, vocab]}, raw logits; the caller may not change them
     */
    Tensor logits();

    /**
     * Appends one token to every sequence and computes the next logits.
     *
     * @param tokens one id for each row
     */
    void advance(int... tokens);

    /**
     * Keeps, repeats or reorders sequences, as finished rows or beams demand.
     *
     * @param rows for each new sequence, which old one it continues
     */
    void select(int... rows);
}
