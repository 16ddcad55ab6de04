/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import java.util.List;
import java.util.stream.IntStream;

/**
 * What a strategy found for one row.
 *
 * @param tokens       the new tokens, the end token included
 * @param finishReason why they end there
 */
record Continuation(List<Integer> tokens, FinishReason finishReason) {

    static Continuation of(IntStream tokens, FinishReason finishReason) {
        return new Continuation(tokens.boxed().toList(), finishReason);
    }

    long[] toArray() {
        return tokens.stream().mapToLong(Integer::longValue).toArray();
    }
}
