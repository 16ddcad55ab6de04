/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/**
 * Forbids all but the k most probable tokens (Fan et al. 2018, arXiv 1805.04833), and those as probable as the last of them. Reference:
 * {@code TopKLogitsWarper}.
 */
public final class TopKLogitsWarper implements LogitsProcessor {
    private final int topK;

    /**
     * Sets the number.
     *
     * @param topK            k, 1 or more
     * @param minTokensToKeep tokens that stay in any case, 1 or more
     * @throws IllegalArgumentException if one is outside its range
     */
    public TopKLogitsWarper(int topK, int minTokensToKeep) {
        this.topK = Math.max(
                Requirement.atLeast(1, "topK", topK), Requirement.atLeast(1, "minTokensToKeep", minTokensToKeep));
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        float last = Ranking.highest(scores, topK);
        for (int id = 0; id < scores.length; id++) {
            if (scores[id] < last) {
                scores[id] = Float.NEGATIVE_INFINITY;
            }
        }
    }
}
