/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** Adds to the scores of tokens that would complete certain runs of tokens. Reference: {@code SequenceBiasLogitsProcessor}. */
public final class SequenceBiasLogitsProcessor implements LogitsProcessor {
    private final int[][] runs;
    private final float[] biases;

    /**
     * Sets the biases.
     *
     * @param biases for each run of ids what is added; not empty, and no run is
     * @throws IllegalArgumentException if there is none, an id is below 0, or a bias is no number
     */
    public SequenceBiasLogitsProcessor(Map<List<Integer>, Double> biases) {
        this.runs = runs("sequenceBias", biases.keySet());
        this.biases = new float[runs.length];
        int i = 0;
        for (double bias : biases.values()) {
            Requirement.that(!Double.isNaN(bias), "sequenceBias", "numbers", bias, "0 changes nothing");
            this.biases[i++] = (float) bias;
        }
    }

    /** Checks and unpacks runs of ids. */
    static int[][] runs(String name, Collection<List<Integer>> runs) {
        if (runs.isEmpty() || runs.stream().anyMatch(List::isEmpty)) {
            throw new IllegalArgumentException(
                    name + ": expected at least one run of token ids, and none of them empty, got " + runs
                            + "; leave the option out for none");
        }
        int[][] found = runs.stream()
                .map(run -> run.stream().mapToInt(Integer::intValue).toArray())
                .toArray(int[][]::new);
        for (int[] run : found) {
            for (int id : run) {
                if (id < 0) {
                    throw new IllegalArgumentException(name + ": expected token ids of 0 or more, got " + id + " in "
                            + Arrays.toString(run) + "; use ids of this model's tokenizer");
                }
            }
        }
        return found;
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        for (int i = 0; i < runs.length; i++) {
            if (mayEnd(runs[i], hypothesis)) {
                scores[runs[i][runs[i].length - 1]] += biases[i];
            }
        }
    }

    /** Whether the sequence ends with all of a run but its last token. */
    static boolean mayEnd(int[] run, Hypothesis hypothesis) {
        int from = hypothesis.length() - (run.length - 1);
        boolean equal = from >= 0;
        for (int i = 0; i < run.length - 1 && equal; i++) {
            equal = hypothesis.id(from + i) == run[i];
        }
        return equal;
    }
}
