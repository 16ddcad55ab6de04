/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

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
}
