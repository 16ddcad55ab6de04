/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import java.util.List;

/**
 * Changes the scores of the next token. One object serves one call of {@code generate}, all of its sequences; rows may be processed in any order.
 *
 * <p>Reference: {@code LogitsProcessor}.
 */
@FunctionalInterface
public interface LogitsProcessor {

    /**
     * Changes one sequence's scores in place.
     *
     * @param hypothesis the sequence so far
     * @param scores     {@code [vocab]}: raw logits, or log-probabilities in a beam search; negative infinity forbids a token
     */
    void process(Hypothesis hypothesis, float[] scores);

    /**
     * Hears of all sequences of a step, before the first of them is processed.
     *
     * @param sequences those that were decoded last, in the order of their rows; each is one of the step before with new tokens, or begins
     */
    default void begin(List<Hypothesis> sequences) {}

    /** {@return whether logits that are no finite numbers may come in, since this replaces them} */
    default boolean repairsScores() {
        return false;
    }
}
