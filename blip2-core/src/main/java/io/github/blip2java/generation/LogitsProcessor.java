/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/** Changes the scores of the next token. Reference: {@code LogitsProcessor}. */
@FunctionalInterface
interface LogitsProcessor {

    /** Leaves the scores alone; searches need no copy of them for it. */
    LogitsProcessor NONE = (ids, length, scores) -> {};

    /**
     * Changes one row's scores in place.
     *
     * @param ids    prefix and new tokens so far
     * @param length how many of ids are in use
     * @param scores {@code [vocab]}, changed in place
     */
    void process(int[] ids, int length, float[] scores);

    /**
     * Forbids the end tokens while too few tokens are new. Reference: {@code MinNewTokensLengthLogitsProcessor},
     * and {@code MinLengthLogitsProcessor} with what it counts before the new tokens taken away.
     *
     * @param prefix       ids before the first new token
     * @param minNewTokens new tokens that a sequence must have before it may end
     * @param eos          the end tokens
     * @return the processor
     */
    static LogitsProcessor minNewTokens(int prefix, int minNewTokens, int... eos) {
        return (ids, length, scores) -> {
            if (length - prefix < minNewTokens) {
                for (int id : eos) {
                    scores[id] = Float.NEGATIVE_INFINITY;
                }
            }
        };
    }
}
