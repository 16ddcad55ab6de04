/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.assisted;

import io.github.blip2java.generation.Hypothesis;
import java.util.Arrays;

/**
 * Guesses that what followed the last tokens before follows them again. Reference: {@code PromptLookupCandidateGenerator}, which also
 * leaves out what the processors forbid; here the decoding does not take it.
 */
public final class PromptLookupCandidateGenerator implements CandidateGenerator {
    private final int numTokens;
    private final int maxMatchingNgramSize;
    private final int[] eos;

    /**
     * Looks at all ids of a sequence: image ids and prompt too for a decoder-only model, what is written for an encoder–decoder model.
     *
     * @param numTokens            tokens to guess at a time, 1 or more
     * @param maxMatchingNgramSize tokens to compare at most, 1 or more
     * @param eos                  the end tokens, before which a guess ends
     */
    public PromptLookupCandidateGenerator(int numTokens, int maxMatchingNgramSize, int... eos) {
        this.numTokens = numTokens;
        this.maxMatchingNgramSize = maxMatchingNgramSize;
        this.eos = eos.clone();
    }

    @Override
    public Candidates candidates(Hypothesis sequence, int most) {
        int[] ids = sequence.ids();
        for (int size = Math.min(maxMatchingNgramSize, ids.length - 1); size > 0; size--) {
            int end = ids.length - size;
            for (int start = 0; start < end; start++) {
                if (Arrays.equals(ids, start, start + size, ids, end, ids.length)) {
                    return guess(ids, start + size, most);
                }
            }
        }
        return Candidates.NONE;
    }

    private Candidates guess(int[] ids, int from, int most) {
        int to = from;
        while (to < Math.min(ids.length, from + Math.min(numTokens, most)) && !isEnd(ids[to])) {
            to++;
        }
        return new Candidates(Arrays.copyOfRange(ids, from, to), null);
    }

    private boolean isEnd(int id) {
        return Arrays.stream(eos).anyMatch(end -> end == id);
    }
}
