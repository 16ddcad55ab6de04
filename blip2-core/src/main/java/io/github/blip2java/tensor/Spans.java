/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.tensor;

import java.util.Arrays;

/**
 * Where each sequence of a batch lies among the rows of a {@link Tensor}.
 *
 * <p>A padded batch {@code [batch, seq, hidden]} has spans of equal length; a packed one, from which padding was
 * dropped, has spans as long as each sequence really is. Layers that treat rows alone (projections, norms) need no
 * spans; attention does.
 *
 * @param starts  first row of each sequence
 * @param lengths number of rows of each sequence
 */
public record Spans(int[] starts, int[] lengths) {

    /**
     * Describes a padded batch.
     *
     * @param batch number of sequences
     * @param seq   rows of each
     * @return the spans
     */
    public static Spans padded(int batch, int seq) {
        int[] lengths = new int[batch];
        Arrays.fill(lengths, seq);
        return packed(lengths);
    }

    /**
     * Describes sequences that lie one after the other.
     *
     * @param lengths rows of each sequence
     * @return the spans
     */
    public static Spans packed(int... lengths) {
        int[] starts = new int[lengths.length];
        for (int i = 1; i < lengths.length; i++) {
            starts[i] = starts[i - 1] + lengths[i - 1];
        }
        return new Spans(starts, lengths.clone());
    }

    /**
     * Gives the number of sequences.
     *
     * @return the batch size
     */
    public int batch() {
        return starts.length;
    }

    /**
     * Gives the last row of each sequence, which predicts its next token.
     *
     * @return row numbers
     */
    public int[] lastRows() {
        int[] last = new int[starts.length];
        for (int i = 0; i < last.length; i++) {
            last[i] = starts[i] + lengths[i] - 1;
        }
        return last;
    }
}
