/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/**
 * Forbids all but the fewest tokens that have a probability together, and those as probable as the last of them (Holtzman et al. 2020, arXiv 1904.09751). Reference: {@code
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
        int[] kept = Ranking.lowestWithMass(Ranking.negated(scores), probabilities, topP);
        if (kept.length < minTokensToKeep) {
            kept = Ranking.highestIds(scores, minTokensToKeep);
        }
        TokenForcing.keep(scores, kept);
    }
}
