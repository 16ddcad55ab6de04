/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import java.util.Set;

/**
 * When a row is finished. Reference: {@code EosTokenCriteria}, {@code MaxLengthCriteria}.
 *
 * @param maxNewTokens new tokens after which a row ends in any case, 1 or more
 * @param eos          tokens that end a row
 */
record StoppingCriteria(int maxNewTokens, Set<Integer> eos) {

    /**
     * Judges a row after a token was chosen.
     *
     * @param newTokens tokens chosen so far, this one included
     * @param token     the token
     * @return the reason to stop, or null to go on
     */
    FinishReason check(int newTokens, int token) {
        if (eos.contains(token)) {
            return FinishReason.EOS;
        }
        return newTokens >= maxNewTokens ? FinishReason.LENGTH : null;
    }
}
