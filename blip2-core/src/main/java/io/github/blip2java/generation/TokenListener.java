/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/**
 * Hears of tokens as soon as they are settled: at once in greedy search and sampling; in a beam search when all beams that may still
 * win agree on them. Called on the thread that generates, between two steps of the model. Reference: {@code BaseStreamer}.
 */
@FunctionalInterface
public interface TokenListener {

    /**
     * Some tokens are settled.
     *
     * @param sequence which sequence of the result
     * @param tokens   one id or more, those that follow the ones told before
     */
    void onTokens(int sequence, long[] tokens);
}
