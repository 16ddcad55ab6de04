/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/** Forbids tokens whose probability is below a bound, but never the most probable ones. */
abstract class CutoffLogitsWarper implements LogitsProcessor {
    private final int minTokensToKeep;

    CutoffLogitsWarper(int minTokensToKeep) {
        this.minTokensToKeep = Requirement.atLeast(1, "minTokensToKeep", minTokensToKeep);
    }

    /** The score that a token must have: the logarithm of a probability plus {@link Distribution#logSum}. */
    abstract double cutoff(float[] scores);

    @Override
    public final void process(Hypothesis hypothesis, float[] scores) {
        float bound = (float) Math.min(cutoff(scores), Ranking.highest(scores, minTokensToKeep));
        for (int id = 0; id < scores.length; id++) {
            if (scores[id] < bound) {
                scores[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
