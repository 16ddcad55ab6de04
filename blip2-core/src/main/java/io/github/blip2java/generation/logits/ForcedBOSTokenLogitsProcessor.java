/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/**
 * Forces the first new token. Reference: {@code ForcedBOSTokenLogitsProcessor}, which there acts only where a single id stands before, so
 * never for a decoder-only model with a picture.
 */
public final class ForcedBOSTokenLogitsProcessor implements LogitsProcessor {
    private final int token;

    /**
     * Sets the token.
     *
     * @param token its id
     * @throws IllegalArgumentException if it is below 0
     */
    public ForcedBOSTokenLogitsProcessor(int token) {
        this.token = Requirement.atLeast(0, "forcedBosTokenId", token);
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        if (hypothesis.newTokens() == 0) {
            TokenForcing.force(scores, token);
        }
    }
}
