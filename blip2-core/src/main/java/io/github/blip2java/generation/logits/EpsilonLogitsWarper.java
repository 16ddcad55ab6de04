/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

/** Forbids improbable tokens (Hewitt et al. 2022, arXiv 2210.15191). Reference: {@code EpsilonLogitsWarper}. */
public final class EpsilonLogitsWarper extends CutoffLogitsWarper {
    private final double epsilon;

    /**
     * Sets the bound.
     *
     * @param epsilon         the probability that a token must have, between 0 and 1
     * @param minTokensToKeep tokens that stay in any case, 1 or more
     * @throws IllegalArgumentException if one is outside its range
     */
    public EpsilonLogitsWarper(double epsilon, int minTokensToKeep) {
        super(minTokensToKeep);
        this.epsilon = Requirement.that(
                epsilon > 0 && epsilon < 1,
                "epsilonCutoff",
                "a number between 0 and 1",
                epsilon,
                "try 0.0003 to 0.0009, or leave it out");
    }

    @Override
    double cutoff(float[] scores) {
        return Math.log(epsilon) + new Distribution(scores).logSum;
    }
}
