/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/** Changes the scores of the next token. Reference: {@code LogitsProcessor}. */
@FunctionalInterface
interface LogitsProcessor {

    /** Leaves the scores alone. */
    LogitsProcessor NONE = (ids, length, scores) -> {};

    /**
     * Changes one row's scores in place.
     *
     * @param ids    prefix and new tokens so far
     * @param length how many of ids are in use
     * @param scores {@code [vocab]}, changed in place
     */
    void process(long[] ids, int length, float[] scores);

    /**
     * Forbids the end tokens while a sequence is too short. Reference: {@code MinLengthLogitsProcessor},
     * {@code MinNewTokensLengthLogitsProcessor}.
     *
     * @param minLength ids that a sequence must have before it may end, the prefix included
     * @param eos       the end tokens
     * @return the processor
     */
    static LogitsProcessor minLength(int minLength, int... eos) {
        return (ids, length, scores) -> {
            if (length < minLength) {
                for (int id : eos) {
                    scores[id] = Float.NEGATIVE_INFINITY;
                }
            }
        };
    }
}
