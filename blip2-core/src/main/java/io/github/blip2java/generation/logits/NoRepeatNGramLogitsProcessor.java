/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import java.util.Arrays;

/**
 * Forbids tokens that would complete a run of tokens that the sequence holds already, whatever stands before the new tokens included.
 * Reference: {@code NoRepeatNGramLogitsProcessor}.
 */
public final class NoRepeatNGramLogitsProcessor implements LogitsProcessor {
    private final int size;

    /**
     * Sets the length.
     *
     * @param size tokens of a run, 1 or more
     * @throws IllegalArgumentException if it is not
     */
    public NoRepeatNGramLogitsProcessor(int size) {
        this.size = Requirement.atLeast(1, "noRepeatNgramSize", size);
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        int[] ids = hypothesis.ids();
        forbid(ids, ids, size, scores);
    }

    /** Forbids tokens after which the end of a sequence would be a run of a text. */
    static void forbid(int[] text, int[] sequence, int size, float[] scores) {
        int before = size - 1;
        int from = sequence.length - before;
        if (from < 0) {
            return;
        }
        for (int last = before; last < text.length; last++) {
            int id = text[last];
            if (id < scores.length && Arrays.equals(text, last - before, last, sequence, from, sequence.length)) {
                scores[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
