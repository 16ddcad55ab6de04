/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Embedded prompts without their padding.
 *
 * @param embeds  {@code [rows, width]}: the kept positions of all sequences, one sequence after the other
 * @param spans   which rows belong to which sequence
 * @param columns for each row, its position in the padded input it came from
 */
public record Prompt(Tensor embeds, Spans spans, int[] columns) {

    /**
     * Copies the columns; the embeddings are shared.
     *
     * @param embeds as above
     * @param spans as above
     * @param columns as above
     */
    public Prompt {
        columns = columns.clone();
    }

    /**
     * Drops the padding of a batch.
     *
     * @param embeds        {@code [batch, seq, width]}
     * @param attentionMask {@code [batch, seq]}, 1 = keep
     * @return the kept rows
     */
    public static Prompt pack(Tensor embeds, long[][] attentionMask) {
        int seq = embeds.dim(1);
        int[] lengths = new int[attentionMask.length];
        int[] rows = new int[attentionMask.length * seq];
        int[] columns = new int[rows.length];
        int kept = 0;
        for (int b = 0; b < attentionMask.length; b++) {
            for (int s = 0; s < seq; s++) {
                if (attentionMask[b][s] != 0) {
                    lengths[b]++;
                    rows[kept] = b * seq + s;
                    columns[kept++] = s;
                }
            }
        }
        Tensor flat = embeds.reshape(embeds.rows(), embeds.cols());
        return new Prompt(
                flat.gatherRows(Arrays.copyOf(rows, kept)), Spans.packed(lengths), Arrays.copyOf(columns, kept));
    }

    /**
     * Takes one sequence.
     *
     * @param sequence 0 to batch - 1
     * @return a batch of one
     */
    public Prompt sequence(int sequence) {
        int start = spans.start(sequence);
        int length = spans.length(sequence);
        int[] rows = IntStream.range(start, start + length).toArray();
        return new Prompt(
                embeds.gatherRows(rows), Spans.packed(length), Arrays.copyOfRange(columns, start, start + length));
    }

    /** {@return a copy} */
    @Override
    public int[] columns() {
        return columns.clone();
    }

    /** {@return whether the other has the same tensor, spans and columns; tensors are equal only to themselves} */
    @Override
    public boolean equals(Object other) {
        return other instanceof Prompt prompt
                && embeds == prompt.embeds
                && spans.equals(prompt.spans)
                && Arrays.equals(columns, prompt.columns);
    }

    @Override
    public int hashCode() {
        return 31 * spans.hashCode() + Arrays.hashCode(columns);
    }
}
