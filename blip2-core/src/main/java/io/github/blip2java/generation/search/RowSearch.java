/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.StoppingCriteria;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A search in which every sequence goes on by itself, by one token; finished ones leave the batch. Reference: {@code _sample}. */
abstract class RowSearch implements Search {
    private final int each;
    private final StoppingCriteria stopping;
    private final Hypothesis[] sequences;
    /** For each row of the frontier, which sequence it is; null before the first step. */
    private int[] live;

    /** Sequences, {@code each} a prompt. */
    RowSearch(int prompts, int each, StoppingCriteria stopping) {
        this.each = each;
        this.stopping = stopping;
        this.sequences = new Hypothesis[prompts * each];
    }

    /**
     * Chooses the next token.
     *
     * @param sequence which sequence of the results
     * @param scores   {@code [vocab]}, processed
     * @return the token
     */
    protected abstract int choose(int sequence, float[] scores);

    @Override
    public final List<Hypothesis> next(Frontier frontier) {
        boolean first = live == null;
        if (first) {
            live = new int[sequences.length];
            Arrays.setAll(live, i -> i);
        }
        List<Hypothesis> going = new ArrayList<>();
        int[] left = new int[live.length];
        for (int i = 0; i < live.length; i++) {
            int row = first ? i / each : i;
            float[] scores = frontier.scores(row);
            int token = choose(live[i], scores);
            Hypothesis longer = frontier.extend(row, token, 0, scores);
            sequences[live[i]] = longer.finish(stopping.check(longer));
            if (longer.finishReason() == null) {
                left[going.size()] = live[i];
                going.add(longer);
            }
        }
        live = Arrays.copyOf(left, going.size());
        return going;
    }

    @Override
    public final List<Hypothesis> results() {
        return List.of(sequences);
    }

    @Override
    public final List<Hypothesis> candidates(int result) {
        return sequences[result] == null ? List.of() : List.of(sequences[result]);
    }
}
