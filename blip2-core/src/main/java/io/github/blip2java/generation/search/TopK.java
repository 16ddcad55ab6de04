/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import java.util.Arrays;

/** The largest of many scores. Reference: {@code torch.topk}. */
public final class TopK {
    private TopK() {}

    /**
     * Finds them.
     *
     * @param scores some; negative infinity never counts
     * @param count  how many to find
     * @return their indices, the largest first and among equal ones the first; fewer where there are fewer
     */
    public static int[] of(float[] scores, int count) {
        int[] best = new int[count];
        int found = 0;
        for (int i = 0; i < scores.length; i++) {
            if (scores[i] > (found < count ? Float.NEGATIVE_INFINITY : scores[best[count - 1]])) {
                int place = found < count ? found++ : count - 1;
                for (; place > 0 && scores[best[place - 1]] < scores[i]; place--) {
                    best[place] = best[place - 1];
                }
                best[place] = i;
            }
        }
        return Arrays.copyOf(best, found);
    }
}
