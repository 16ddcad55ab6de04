/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/** Forces an end token where a sequence reaches its greatest length. Reference: {@code ForcedEOSTokenLogitsProcessor}. */
public final class ForcedEOSTokenLogitsProcessor implements LogitsProcessor {
    private final int maxNewTokens;
    private final int[] eos;

    /**
     * Sets length and tokens.
     *
     * @param maxNewTokens new tokens that a sequence may have, the end token included
     * @param eos          the tokens of which one ends it
     * @throws IllegalArgumentException if one is below 0
     */
    public ForcedEOSTokenLogitsProcessor(int maxNewTokens, int... eos) {
        this.maxNewTokens = maxNewTokens;
        this.eos = Requirement.ids("forcedEosTokenId", eos);
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        if (hypothesis.newTokens() == maxNewTokens - 1) {
            TokenForcing.force(scores, eos);
        }
    }
}
