/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

/**
 * Forbids tokens that are much less probable than the most probable one (Nguyen et al. 2024, arXiv 2407.01082). Reference: {@code
 * MinPLogitsWarper}.
 */
public final class MinPLogitsWarper extends CutoffLogitsWarper {
    private final double minP;

    /**
     * Sets the bound.
     *
     * @param minP            the part of the highest probability that a token must have, 0 to 1
     * @param minTokensToKeep tokens that stay in any case, 1 or more
     * @throws IllegalArgumentException if one is outside its range
     */
    public MinPLogitsWarper(double minP, int minTokensToKeep) {
        super(minTokensToKeep);
        this.minP = (float)
                Requirement.that(minP >= 0 && minP <= 1, "minP", "a number from 0 to 1", minP, "0 forbids nothing");
    }

    @Override
    double cutoff(float[] scores) {
        return scores[Ranking.highestId(scores)] + Math.log(minP);
    }
}
