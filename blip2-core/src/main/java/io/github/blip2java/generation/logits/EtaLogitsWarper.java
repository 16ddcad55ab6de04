/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

/**
 * Forbids improbable tokens, fewer of them where the distribution is flat: below min(ε, √ε e^−entropy) (Hewitt et al. 2022, arXiv
 * 2210.15191). Reference: {@code EtaLogitsWarper}.
 */
public final class EtaLogitsWarper extends CutoffLogitsWarper {
    private final double epsilon;

    /**
     * Sets the bound.
     *
     * @param epsilon         ε, between 0 and 1
     * @param minTokensToKeep tokens that stay in any case, 1 or more
     * @throws IllegalArgumentException if one is outside its range
     */
    public EtaLogitsWarper(double epsilon, int minTokensToKeep) {
        super(minTokensToKeep);
        this.epsilon = Requirement.that(
                epsilon > 0 && epsilon < 1,
                "etaCutoff",
                "a number between 0 and 1",
                epsilon,
                "try 0.0003 to 0.004, or leave it out");
    }

    @Override
    double cutoff(float[] scores) {
        Distribution distribution = new Distribution(scores);
        double eta = Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-distribution.entropy()));
        return Math.log(eta) + distribution.logSum;
    }
}
