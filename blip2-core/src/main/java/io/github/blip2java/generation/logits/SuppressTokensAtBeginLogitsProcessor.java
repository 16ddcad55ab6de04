/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/** Forbids tokens at the beginning. Reference: {@code SuppressTokensAtBeginLogitsProcessor}. */
public final class SuppressTokensAtBeginLogitsProcessor implements LogitsProcessor {
    private final int beginIndex;
    private final int[] tokens;

    /**
     * Sets the tokens.
     *
     * @param beginIndex new tokens before the one that they may not be: 0, or 1 behind a forced one
     * @param tokens     their ids
     * @throws IllegalArgumentException if one is below 0
     */
    public SuppressTokensAtBeginLogitsProcessor(int beginIndex, int... tokens) {
        this.beginIndex = beginIndex;
        this.tokens = Requirement.ids("beginSuppressTokens", tokens);
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        if (hypothesis.newTokens() == beginIndex) {
            TokenForcing.forbid(scores, tokens);
        }
    }
}
