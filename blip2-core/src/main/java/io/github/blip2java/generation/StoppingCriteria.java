/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import java.util.List;

/**
 * Says when a sequence is finished. Reference: {@code StoppingCriteria}.
 *
 * <p>A search asks for every sequence that it may go on with, so the answer should depend on the sequence alone.
 */
@FunctionalInterface
public interface StoppingCriteria {

    /**
     * Judges a sequence after a token was chosen.
     *
     * @param hypothesis the sequence, that token included
     * @return the reason to stop, or null to go on
     */
    FinishReason check(Hypothesis hypothesis);

    /**
     * The end tokens. Reference: {@code EosTokenCriteria}.
     *
     * @param eos tokens that end a sequence
     * @return the criterion
     */
    static StoppingCriteria eos(int... eos) {
        return hypothesis -> {
            for (int end : eos) {
                if (hypothesis.lastToken() == end) {
                    return FinishReason.EOS;
                }
            }
            return null;
        };
    }

    /**
     * The limit of length. Reference: {@code MaxLengthCriteria}.
     *
     * @param maxNewTokens new tokens after which a sequence ends in any case, 1 or more
     * @return the criterion
     */
    static StoppingCriteria maxNewTokens(int maxNewTokens) {
        return hypothesis -> hypothesis.newTokens() >= maxNewTokens ? FinishReason.LENGTH : null;
    }

    /**
     * The limit of time. Reference: {@code MaxTimeCriteria}.
     *
     * @param seconds from now on
     * @return the criterion
     */
    static StoppingCriteria maxTime(double seconds) {
        long start = System.nanoTime();
        return hypothesis -> (System.nanoTime() - start) / 1e9 > seconds ? FinishReason.TIME : null;
    }

    /**
     * Several criteria.
     *
     * @param criteria the first that holds gives the reason
     * @return the criterion
     */
    static StoppingCriteria any(List<StoppingCriteria> criteria) {
        List<StoppingCriteria> all = List.copyOf(criteria);
        return hypothesis -> {
            for (StoppingCriteria each : all) {
                FinishReason reason = each.check(hypothesis);
                if (reason != null) {
                    return reason;
                }
            }
            return null;
        };
    }
}
