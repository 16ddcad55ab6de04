/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import java.util.Arrays;
import java.util.List;

/** Forbids runs of tokens. Reference: {@code NoBadWordsLogitsProcessor}. */
public final class NoBadWordsLogitsProcessor implements LogitsProcessor {
    private final int[][] words;

    /**
     * Sets what is forbidden.
     *
     * @param badWords runs of ids; not empty, and none of them is
     * @param eos      the end tokens: a run that is one of them alone is passed over, as a text must be able to end
     * @throws IllegalArgumentException if there is none, or an id is below 0
     */
    public NoBadWordsLogitsProcessor(List<List<Integer>> badWords, int... eos) {
        this.words = Arrays.stream(SequenceBiasLogitsProcessor.runs("badWordsIds", badWords))
                .filter(word -> word.length > 1 || Arrays.stream(eos).noneMatch(id -> id == word[0]))
                .toArray(int[][]::new);
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        for (int[] word : words) {
            if (SequenceBiasLogitsProcessor.mayEnd(word, hypothesis)) {
                scores[word[word.length - 1]] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
