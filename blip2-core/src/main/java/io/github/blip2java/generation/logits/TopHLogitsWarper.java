/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import java.util.Arrays;

/**
 * Forbids all but the most probable tokens, as many as have a part of the distribution's entropy together (Potraghloo et al. 2025, arXiv
 * 2509.02510). Reference: {@code TopHLogitsWarper}, which looks at the 100 most probable tokens.
 */
public final class TopHLogitsWarper implements LogitsProcessor {
    private static final int TOP_N = 100;

    private final double topH;

    /**
     * Sets the part.
     *
     * @param topH above 0, up to 1
     * @throws IllegalArgumentException if it is not
     */
    public TopHLogitsWarper(double topH) {
        this.topH = Requirement.that(
                topH > 0 && topH <= 1, "topH", "a number above 0 and up to 1", topH, "leave it out to forbid nothing");
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        int[] ids = Ranking.highestIds(scores, TOP_N);
        float[] top = new float[ids.length];
        for (int i = 0; i < ids.length; i++) {
            top[i] = scores[ids[i]];
        }
        TokenForcing.keep(scores, Arrays.copyOf(ids, kept(new Distribution(top), top)));
    }

    /** How many stay: the terms −p log p of all but perhaps the first are together at most the part of the entropy. */
    private int kept(Distribution distribution, float[] top) {
        double[] sums = new double[top.length];
        double sum = 0;
        for (int i = 0; i < top.length; i++) {
            float p = distribution.probabilities[i];
            sum += p > 0 ? p * (distribution.logSum - top[i]) : 0;
            sums[i] = sum;
        }
        int kept = 1;
        while (kept < top.length && distribution.probabilities[kept] > 0 && sums[kept] <= topH * sum) {
            kept++;
        }
        return kept;
    }
}
