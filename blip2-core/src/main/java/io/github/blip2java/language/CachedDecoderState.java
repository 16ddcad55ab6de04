/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.tensor.Spans;
import io.github.blip2java.tensor.Tensor;
import java.util.Arrays;

/** What the two kinds of language model share of a {@link DecoderState}: the last pass, and which of its rows are whose. */
public abstract class CachedDecoderState implements DecoderState {
    /** {@code [rows of the last pass, hidden]} and which of them belong to which sequence. */
    private Tensor hidden;

    private Spans spans;
    private Tensor logits;

    /** For subclasses. */
    protected CachedDecoderState() {}

    /**
     * Runs new rows through the decoder.
     *
     * @param tokens ids, one sequence after the other
     * @param rows   which are whose
     * @return {@code [tokens, hidden]}
     */
    protected abstract Tensor decode(int[] tokens, Spans rows);

    /**
     * Computes scores.
     *
     * @param states {@code [rows, hidden]}
     * @return {@code [rows, vocab]}
     */
    protected abstract Tensor head(Tensor states);

    /**
     * Takes what a pass ended with.
     *
     * @param states {@code [rows, hidden]}
     * @param rows   which are whose
     */
    protected final void read(Tensor states, Spans rows) {
        hidden = states;
        spans = rows;
        logits = head(states.gatherRows(rows.lastRows()));
    }

    @Override
    public final Tensor logits() {
        return logits;
    }

    @Override
    public final Tensor hidden(int row) {
        int[] rows = new int[spans.length(row)];
        Arrays.setAll(rows, i -> spans.start(row) + i);
        return hidden.gatherRows(rows);
    }

    @Override
    public final void advance(int... tokens) {
        Spans one = Spans.padded(tokens.length, 1);
        hidden = decode(tokens, one);
        spans = one;
        logits = head(hidden);
    }

    @Override
    public final Tensor advance(int[][] tokens) {
        Spans rows =
                Spans.packed(Arrays.stream(tokens).mapToInt(row -> row.length).toArray());
        hidden = decode(Arrays.stream(tokens).flatMapToInt(Arrays::stream).toArray(), rows);
        spans = rows;
        Tensor all = head(hidden);
        logits = all.gatherRows(rows.lastRows());
        return all;
    }

    @Override
    public void select(int... rows) {
        int[] starts = Arrays.stream(rows).map(spans::start).toArray();
        int[] lengths = Arrays.stream(rows).map(spans::length).toArray();
        spans = new Spans(starts, lengths);
        logits = logits.gatherRows(rows);
    }
}
