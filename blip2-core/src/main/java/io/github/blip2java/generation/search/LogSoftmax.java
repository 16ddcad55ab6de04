/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

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
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = from; i < from + count; i++) {
            largest = Math.max(largest, scores[i]);
        }
        if (largest == Float.NEGATIVE_INFINITY) {
            return largest;
        }
        double sum = 0;
        for (int i = from; i < from + count; i++) {
            sum += Math.exp(scores[i] - largest);
        }
        return (float) (largest + Math.log(sum));
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
