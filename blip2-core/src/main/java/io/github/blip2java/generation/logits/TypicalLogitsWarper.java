/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import java.util.Arrays;

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
        // −log p − entropy, with log p = score − logSum
        float shift = (float) (distribution.logSum - distribution.entropy());
        float[] probabilities = distribution.probabilities;
        long[] keys = new long[scores.length];
        int possible = 0;
        for (int id = 0; id < scores.length; id++) {
            if (scores[id] != Float.NEGATIVE_INFINITY) {
                keys[possible++] = Ranking.key(Math.abs(shift - scores[id]), id);
            }
        }
        keys = Arrays.copyOf(keys, possible);
        if (possible <= minTokensToKeep) {
            return;
        }
        int kept = Ranking.lowestWithMass(keys, probabilities, mass);
        if (kept < minTokensToKeep) {
            Arrays.sort(keys, kept, possible);
            kept = minTokensToKeep;
        }
        float last = Math.abs(shift - scores[Ranking.id(keys[kept - 1])]);
        for (int id = 0; id < scores.length; id++) {
            if (Math.abs(shift - scores[id]) > last) {
                scores[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
