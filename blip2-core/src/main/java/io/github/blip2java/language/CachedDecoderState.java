/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** What the two kinds of language model share of a {@link DecoderState}: the last pass, and which of its rows are whose. */
public abstract class CachedDecoderState implements DecoderState {
    private final boolean hiddenStates;
    private final boolean attentions;

    /** {@code [rows of the last pass, hidden]} and which of them belong to which sequence. */
    private Tensor hidden;

    private Spans spans;
    private Tensor logits;

    private Trace trace;
    /** For each sequence, its place in the trace; and for each of these, the positions that were attended to. */
    private int[] traced;

    private int[] keys;
    private int[] crossKeys;

    /**
     * For subclasses, which {@link #read} the prompts next.
     *
     * @param hiddenStates whether each pass keeps its hidden states
     * @param attentions   whether each pass keeps its attention probabilities
     */
    protected CachedDecoderState(boolean hiddenStates, boolean attentions) {
        this.hiddenStates = hiddenStates;
        this.attentions = attentions;
    }

    /**
     * Runs new rows through the decoder.
     *
     * @param tokens ids, one sequence after the other
     * @param rows   which are whose
     * @param pass   collects what is to be kept
     * @return {@code [tokens, hidden]}
     */
    protected abstract Tensor decode(int[] tokens, Spans rows, Trace pass);

    /**
     * Computes scores.
     *
     * @param states {@code [rows, hidden]}
     * @return {@code [rows, vocab]}
     */
    protected abstract Tensor head(Tensor states);

    /** {@return for each sequence, the positions that its decoder has read} */
    protected abstract int[] lengths();

    /** {@return for each sequence, the positions of the encoder that its decoder reads; null for a decoder-only model} */
    protected abstract int[] encoderLengths();

    /**
     * Reads the prompts.
     *
     * @param decoder runs them through the decoder: {@code [rows, hidden]}
     * @param rows    which rows are whose
     */
    protected final void read(Function<Trace, Tensor> decoder, Spans rows) {
        pass(decoder, rows);
        logits = head(hidden.gatherRows(rows.lastRows()));
    }

    private void pass(Function<Trace, Tensor> decoder, Spans rows) {
        trace = new Trace(hiddenStates, attentions);
        hidden = decoder.apply(trace);
        spans = rows;
        if (hiddenStates || attentions) {
            traced = IntStream.range(0, rows.batch()).toArray();
            keys = lengths();
            crossKeys = encoderLengths();
        }
    }

    @Override
    public final Tensor logits() {
        return logits;
    }

    @Override
    public final Tensor hidden(int row) {
        return rows(hidden, row);
    }

    private Tensor rows(Tensor states, int row) {
        return states.gatherRows(IntStream.range(0, spans.length(row))
                .map(i -> spans.start(row) + i)
                .toArray());
    }

    @Override
    public final DecoderPass pass(int row) {
        return new DecoderPass(
                hiddenStates
                        ? trace.hiddenStates().stream()
                                .map(states -> rows(states, row))
                                .toList()
                        : null,
                attentions ? probabilities(trace.attentions(), row, keys) : null,
                attentions ? probabilities(trace.crossAttentions(), row, crossKeys) : null);
    }

    /** {@code [heads, positions, keys]} of a sequence from {@code [batch, heads, most positions, most keys]}. */
    private List<Tensor> probabilities(List<Tensor> layers, int row, int[] lengths) {
        int sequence = traced[row];
        int positions = spans.length(row);
        return layers.stream()
                .map(all -> {
                    int heads = all.dim(1);
                    int length = lengths[sequence];
                    Tensor own = Tensor.zeros(heads, positions, length);
                    for (int line = 0; line < heads * positions; line++) {
                        int from = ((sequence * heads + line / positions) * all.dim(2) + line % positions) * all.dim(3);
                        System.arraycopy(all.data(), from, own.data(), line * length, length);
                    }
                    return own;
                })
                .toList();
    }

    @Override
    public final void advance(int... tokens) {
        Spans one = Spans.padded(tokens.length, 1);
        pass(own -> decode(tokens, one, own), one);
        logits = head(hidden);
    }

    @Override
    public final Tensor advance(int[][] tokens) {
        Spans rows =
                Spans.packed(Arrays.stream(tokens).mapToInt(row -> row.length).toArray());
        int[] all = Arrays.stream(tokens).flatMapToInt(Arrays::stream).toArray();
        pass(own -> decode(all, rows, own), rows);
        Tensor scores = head(hidden);
        logits = scores.gatherRows(rows.lastRows());
        return scores;
    }

    @Override
    public void select(int... rows) {
        int[] starts = Arrays.stream(rows).map(spans::start).toArray();
        int[] lengths = Arrays.stream(rows).map(spans::length).toArray();
        spans = new Spans(starts, lengths);
        logits = logits.gatherRows(rows);
        if (traced != null) {
            traced = Arrays.stream(rows).map(row -> traced[row]).toArray();
        }
    }
}
