/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import java.util.BitSet;

/**
 * Makes tokens less probable that the sequence holds already, whatever stands before the new tokens included (Keskar et al. 2019, arXiv
 * 1909.05858). Reference: {@code RepetitionPenaltyLogitsProcessor}.
 */
public final class RepetitionPenaltyLogitsProcessor implements LogitsProcessor {
    private final float penalty;

    /**
     * Sets the penalty.
     *
     * @param penalty positive scores are divided by it, negative ones multiplied; above 0, below 1 to reward repetitions
     * @throws IllegalArgumentException if it is not
     */
    public RepetitionPenaltyLogitsProcessor(double penalty) {
        this.penalty = (float) Requirement.positive("repetitionPenalty", penalty, "1 changes nothing");
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        penalise(hypothesis.ids(), penalty, scores);
    }

    /** Penalises each of some tokens once. Ids that have no score, as of an image token, are passed over. */
    static void penalise(int[] ids, float penalty, float[] scores) {
        BitSet done = new BitSet(scores.length);
        for (int id : ids) {
            if (id < scores.length && !done.get(id)) {
                done.set(id);
                scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty;
            }
        }
    }
}
