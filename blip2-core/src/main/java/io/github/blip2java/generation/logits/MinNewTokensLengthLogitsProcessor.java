/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/**
 * Forbids the end tokens while too few tokens are new. Reference: {@code MinNewTokensLengthLogitsProcessor}, and {@code
 * MinLengthLogitsProcessor} with what it counts before the new tokens taken away.
 */
public final class MinNewTokensLengthLogitsProcessor implements LogitsProcessor {
    private final int minNewTokens;
    private final int[] eos;

    /**
     * Sets the length.
     *
     * @param minNewTokens new tokens that a sequence must have before it may end
     * @param eos          the end tokens
     */
    public MinNewTokensLengthLogitsProcessor(int minNewTokens, int... eos) {
        this.minNewTokens = minNewTokens;
        this.eos = eos.clone();
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        if (hypothesis.newTokens() < minNewTokens) {
            for (int id : eos) {
                scores[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
