/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.generation.search.beam.CurrentTokens;

/**
 * Lowers the scores of tokens that earlier groups of beams took in the same step (Vijayakumar et al. 2016, arXiv 1610.02424, §3).
 * Reference: {@code HammingDiversityLogitsProcessor} of {@code transformers} 4.57, whose place is before the repetition penalties.
 */
public final class HammingDiversityLogitsProcessor implements LogitsProcessor {
    private final float penalty;
    private final CurrentTokens tokens;

    /**
     * Sets the penalty.
     *
     * @param penalty what a token loses for each beam that took it, above 0
     * @param tokens  what the search has taken, the same object as the search's
     */
    public HammingDiversityLogitsProcessor(double penalty, CurrentTokens tokens) {
        this.penalty = (float) penalty;
        this.tokens = tokens;
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        tokens.counts(hypothesis.prompt()).forEach((token, count) -> scores[token] -= penalty * count);
    }
}
