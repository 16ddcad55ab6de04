/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/** Forbids tokens. Reference: {@code SuppressTokensLogitsProcessor}. */
public final class SuppressTokensLogitsProcessor implements LogitsProcessor {
    private final int[] tokens;

    /**
     * Sets the tokens.
     *
     * @param tokens their ids
     * @throws IllegalArgumentException if one is below 0
     */
    public SuppressTokensLogitsProcessor(int... tokens) {
        this.tokens = Requirement.ids("suppressTokens", tokens);
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        TokenForcing.forbid(scores, tokens);
    }
}
