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

    /** The probability that a token must have. */
    abstract float cutoff(Distribution distribution);

    @Override
    public final void process(Hypothesis hypothesis, float[] scores) {
        Distribution distribution = new Distribution(scores);
        float cutoff = cutoff(distribution);
        float kept = Ranking.highest(scores, minTokensToKeep);
        for (int id = 0; id < scores.length; id++) {
            if (distribution.probabilities[id] < cutoff && scores[id] < kept) {
                scores[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
