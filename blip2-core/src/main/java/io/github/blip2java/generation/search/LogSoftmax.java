/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import io.github.blip2java.internal.kernel.Kernels;
import java.util.Arrays;

/** log(softmax(scores)). Reference: {@code torch.nn.functional.log_softmax}. */
public final class LogSoftmax {
    private LogSoftmax() {}

    /**
     * log Σ e^score.
     *
     * @param scores finite, or negative infinity where a token is forbidden
     * @param from   the first
     * @param count  how many
     * @return the logarithm; negative infinity where all are forbidden
     */
    public static float logSum(float[] scores, int from, int count) {
        float[] probabilities = Arrays.copyOfRange(scores, from, from + count);
        Kernels.get().softmax(probabilities, 0, count);
        int best = 0;
        for (int i = 1; i < count; i++) {
            best = scores[from + i] > scores[from + best] ? i : best;
        }
        // log p = score − log Σ, read where p is largest; a vector of exponentials takes a tenth of the time of
        // Math.exp.
        return scores[from + best] == Float.NEGATIVE_INFINITY
                ? Float.NEGATIVE_INFINITY
                : (float) (scores[from + best] - Math.log(probabilities[best]));
    }

    /**
     * Normalises scores in place.
     *
     * @param scores as for {@link #logSum}; stay as they are where all are forbidden
     */
    public static void normalise(float[] scores) {
        float sum = logSum(scores, 0, scores.length);
        if (sum != Float.NEGATIVE_INFINITY) {
            for (int i = 0; i < scores.length; i++) {
                scores[i] -= sum;
            }
        }
    }
}
