/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import java.util.Arrays;

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
        float[] probabilities = new Distribution(scores).probabilities;
        long[] keys = new long[scores.length];
        int possible = 0;
        for (int id = 0; id < scores.length; id++) {
            if (probabilities[id] > 0) {
                keys[possible++] = Ranking.key(-scores[id], id);
            }
        }
        keys = Arrays.copyOf(keys, possible);
        int kept = Ranking.lowestWithMass(keys, probabilities, topP);
        int[] always = Ranking.highestIds(scores, minTokensToKeep);
        int last = always[always.length - 1];
        long bound = Ranking.key(-scores[last], last);
        if (kept > 0) {
            bound = Math.max(bound, keys[kept - 1]);
        }
        for (int id = 0; id < scores.length; id++) {
            if (Ranking.key(-scores[id], id) > bound) {
                scores[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
