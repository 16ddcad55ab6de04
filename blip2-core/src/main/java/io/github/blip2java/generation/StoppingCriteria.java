/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/** When a row is finished. Reference: {@code EosTokenCriteria}, {@code MaxLengthCriteria}. */
final class StoppingCriteria {
    private final int maxNewTokens;
    private final int[] eos;

    /**
     * Sets the rules.
     *
     * @param maxNewTokens new tokens after which a row ends in any case, 1 or more
     * @param eos          tokens that end a row
     */
    StoppingCriteria(int maxNewTokens, int... eos) {
        this.maxNewTokens = maxNewTokens;
        this.eos = eos.clone();
    }

    /**
     * Judges a row after a token was chosen.
     *
     * @param newTokens tokens chosen so far, this one included
     * @param token     the token
     * @return the reason to stop, or null to go on
     */
    FinishReason check(int newTokens, int token) {
        for (int end : eos) {
            if (token == end) {
                return FinishReason.EOS;
            }
        }
        return newTokens >= maxNewTokens ? FinishReason.LENGTH : null;
    }
}
