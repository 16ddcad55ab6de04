/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/**
 * Makes the end more probable with every token beyond a length: |score| · (factor^tokens − 1) is added. Reference: {@code
 * ExponentialDecayLengthPenalty}.
 */
public final class ExponentialDecayLengthPenalty implements LogitsProcessor {
    private final int start;
    private final double factor;
    private final int[] eos;

    /**
     * Sets the penalty.
     *
     * @param start  new tokens that bear none
     * @param factor above 0; above 1 for shorter texts
     * @param eos    the end tokens
     * @throws IllegalArgumentException if one is outside its range
     */
    public ExponentialDecayLengthPenalty(int start, double factor, int... eos) {
        this.start = Requirement.atLeast(0, "exponentialDecayLengthPenalty", start);
        this.factor = Requirement.positive("exponentialDecayLengthPenalty", factor, "1 changes nothing");
        this.eos = Requirement.ids("eosTokenId", eos);
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        int beyond = hypothesis.newTokens() - start;
        if (beyond <= 0) {
            return;
        }
        double growth = Math.min(Float.MAX_VALUE, Math.pow(factor, beyond)) - 1;
        for (int id : eos) {
            // One that is forbidden stays so; the reference makes NaN of it.
            if (scores[id] != Float.NEGATIVE_INFINITY) {
                scores[id] = (float) Math.min(Float.MAX_VALUE, scores[id] + Math.abs(scores[id]) * growth);
            }
        }
    }
}
