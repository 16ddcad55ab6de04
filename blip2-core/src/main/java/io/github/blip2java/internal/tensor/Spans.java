/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.tensor;

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
     * Copies both arrays.
     *
     * @param starts as above
     * @param lengths as above
     * @throws IllegalArgumentException if their lengths differ
     */
    public Spans {
        if (starts.length != lengths.length) {
            throw new IllegalArgumentException("spans: expected as many lengths as starts, " + starts.length + ", got "
                    + lengths.length + "; each sequence has one of each");
        }
        starts = starts.clone();
        lengths = lengths.clone();
    }

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
        return new Spans(starts, lengths);
    }

    /** {@return a copy of the first rows; {@link #start} reads one without copying} */
    @Override
    public int[] starts() {
        return starts.clone();
    }

    /** {@return a copy of the numbers of rows; {@link #length} reads one without copying} */
    @Override
    public int[] lengths() {
        return lengths.clone();
    }

    /**
     * Where a sequence begins.
     *
     * @param sequence 0 to batch - 1
     * @return its first row
     */
    public int start(int sequence) {
        return starts[sequence];
    }

    /**
     * How long a sequence is.
     *
     * @param sequence 0 to batch - 1
     * @return its number of rows
     */
    public int length(int sequence) {
        return lengths[sequence];
    }

    /** {@return rows of the longest sequence, 0 without sequences} */
    public int longest() {
        return Arrays.stream(lengths).max().orElse(0);
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

    @Override
    public boolean equals(Object other) {
        return other instanceof Spans spans
                && Arrays.equals(starts, spans.starts)
                && Arrays.equals(lengths, spans.lengths);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(starts) + Arrays.hashCode(lengths);
    }

    @Override
    public String toString() {
        return "Spans[starts=" + Arrays.toString(starts) + ", lengths=" + Arrays.toString(lengths) + "]";
    }
}
