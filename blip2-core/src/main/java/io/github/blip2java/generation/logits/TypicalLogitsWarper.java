/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/**
 * Forbids all but the tokens whose surprise is nearest to the expected one, as many as have a probability together (Meister et al. 2022,
 * arXiv 2202.00666). Reference: {@code TypicalLogitsWarper}.
 */
public final class TypicalLogitsWarper implements LogitsProcessor {
    private final double mass;
    private final int minTokensToKeep;

    /**
     * Sets the probability.
     *
     * @param mass            between 0 and 1
     * @param minTokensToKeep tokens that stay in any case, 1 or more
     * @throws IllegalArgumentException if one is outside its range
     */
    public TypicalLogitsWarper(double mass, int minTokensToKeep) {
        this.mass = Requirement.that(
                mass > 0 && mass < 1, "typicalP", "a number between 0 and 1", mass, "leave it out to forbid nothing");
        this.minTokensToKeep = Requirement.atLeast(1, "minTokensToKeep", minTokensToKeep);
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        Distribution distribution = new Distribution(scores);
        if (distribution.highest == 0) {
            return; // all are forbidden
        }
        // −log p − entropy, with log p = score − logSum
        float shift = (float) (distribution.logSum - distribution.entropy());
        float[] distances = new float[scores.length];
        for (int id = 0; id < scores.length; id++) {
            distances[id] = Math.abs(shift - scores[id]);
        }
        int[] kept = Ranking.lowestWithMass(distances, distribution.probabilities, mass);
        if (kept.length < minTokensToKeep) {
            kept = Ranking.highestIds(Ranking.negated(distances), minTokensToKeep);
        }
        TokenForcing.keep(scores, kept);
    }
}
