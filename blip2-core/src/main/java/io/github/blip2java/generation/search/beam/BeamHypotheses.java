/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.beam;

import io.github.blip2java.generation.EarlyStopping;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.Hypothesis;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The best of the sequences of some beams that have ended. Reference: {@code BeamHypotheses} of {@code transformers} 4.57. */
final class BeamHypotheses {
    private final BeamOptions options;
    private final int size;
    private final List<Hypothesis> found = new ArrayList<>();
    private double worst = 1e9;

    /** With room for so many. */
    BeamHypotheses(BeamOptions options, int size) {
        this.options = options;
        this.size = size;
    }

    /** Takes a sequence that ends, if it is good enough. */
    void add(Hypothesis hypothesis, FinishReason reason, double sum) {
        double score = sum / Math.pow(hypothesis.newTokens(), options.lengthPenalty());
        hypothesis.finish(reason, score);
        if (found.size() < size || score > worst) {
            found.add(hypothesis);
            worst = Math.min(score, worst);
            if (found.size() > size) {
                found.remove(found.stream()
                        .min(Comparator.comparing(Hypothesis::score))
                        .orElseThrow());
                worst = found.stream().mapToDouble(Hypothesis::score).min().orElseThrow();
            }
        }
    }

    /** Whether the beams, whose best continuation has that sum after so many new tokens, cannot become better than what is there. */
    boolean isDone(double bestSum, int newTokens) {
        if (found.size() < size) {
            return false;
        }
        boolean longest = options.earlyStopping() == EarlyStopping.NEVER && options.lengthPenalty() > 0;
        int length = longest ? options.maxNewTokens() : newTokens;
        return options.earlyStopping() == EarlyStopping.TRUE
                || worst >= bestSum / Math.pow(length, options.lengthPenalty());
    }

    /** {@return what has ended, in the order in which it did} */
    List<Hypothesis> found() {
        return found;
    }

    /**
     * The best, of equal ones the last; sequences without new tokens where there are too few.
     *
     * @param found  what has ended
     * @param prompt the sequence without new tokens
     * @param count  how many
     */
    static List<Hypothesis> best(List<Hypothesis> found, Hypothesis prompt, int count) {
        List<Hypothesis> best = new ArrayList<>(found);
        best.sort(Comparator.comparing(Hypothesis::score));
        while (best.size() < count) {
            best.add(0, prompt.finish(FinishReason.STOPPED, Beam.NOTHING));
        }
        List<Hypothesis> results = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            results.add(best.get(best.size() - i));
        }
        return results;
    }
}
