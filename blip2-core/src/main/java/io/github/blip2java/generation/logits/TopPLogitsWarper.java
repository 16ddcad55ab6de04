/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/**
 * Forbids all but the fewest tokens that have a probability together (Holtzman et al. 2020, arXiv 1904.09751). Reference: {@code
 * TopPLogitsWarper}.
 */
public final class TopPLogitsWarper implements LogitsProcessor {
    private final double topP;
    private final int minTokensToKeep;

    /**
     * Sets the probability.
     *
     * @param topP            0 to 1
     * @param minTokensToKeep tokens that stay in any case, 1 or more
     * @throws IllegalArgumentException if one is outside its range
     */
    public TopPLogitsWarper(double topP, int minTokensToKeep) {
        this.topP = Requirement.that(topP >= 0 && topP <= 1, "topP", "a number from 0 to 1", topP, "1 forbids nothing");
        this.minTokensToKeep = Requirement.atLeast(1, "minTokensToKeep", minTokensToKeep);
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        float[] descending = new float[scores.length];
        for (int id = 0; id < scores.length; id++) {
            descending[id] = -scores[id];
        }
        long bound = Ranking.lowestWithMass(descending, new Distribution(scores).probabilities, topP);
        int[] always = Ranking.highestIds(scores, minTokensToKeep);
        int last = always[always.length - 1];
        bound = Math.max(bound, Ranking.key(descending[last], last));
        for (int id = 0; id < scores.length; id++) {
            if (Ranking.key(descending[id], id) > bound) {
                scores[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
