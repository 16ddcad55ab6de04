/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Draws by the softmax of scores. Reference: {@code torch.multinomial}. */
public final class Multinomial {
    private Multinomial() {}

    /**
     * Draws one.
     *
     * @param scores negative infinity where a token is forbidden
     * @param random gives one number
     * @return its index
     * @throws IllegalStateException if all are forbidden
     */
    public static int draw(float[] scores, RandomGenerator random) {
        int[] drawn = withoutReplacement(scores, 1, random);
        if (drawn.length == 0) {
            throw nothingAllowed(scores);
        }
        return drawn[0];
    }

    /** What to tell where no token may follow. */
    static IllegalStateException nothingAllowed(float[] scores) {
        return new IllegalStateException(
                "scores: expected a token that may follow, got none: the processors forbid all " + scores.length
                        + "; allow more tokens");
    }

    /**
     * Draws several different ones.
     *
     * @param scores negative infinity where a token is forbidden
     * @param count  how many
     * @param random gives a number for each
     * @return their indices, in the order in which they were drawn; then those whose probability is 0 in float64, the best first;
     *     fewer where fewer are allowed
     */
    public static int[] withoutReplacement(float[] scores, int count, RandomGenerator random) {
        float largest = Float.NEGATIVE_INFINITY;
        for (float score : scores) {
            largest = Math.max(largest, score);
        }
        int[] left = new int[scores.length];
        double[] weights = new double[scores.length];
        int size = 0;
        for (int i = 0; i < scores.length; i++) {
            double weight = Math.exp(scores[i] - largest);
            if (weight > 0) { // not if all are forbidden and it is NaN
                left[size] = i;
                weights[size++] = weight;
            }
        }
        int[] drawn = new int[count];
        int draws = Math.min(count, size);
        for (int draw = 0; draw < draws; draw++) {
            int place = place(weights, size, random.nextDouble());
            drawn[draw] = left[place];
            weights[place] = 0;
        }
        if (draws == count) {
            return drawn;
        }
        float[] rest = scores.clone();
        for (int i = 0; i < size; i++) {
            rest[left[i]] = Float.NEGATIVE_INFINITY;
        }
        int[] others = TopK.of(rest, count - draws);
        System.arraycopy(others, 0, drawn, draws, others.length);
        return Arrays.copyOf(drawn, draws + others.length);
    }

    /** The weight that a part of the sum of all falls into. */
    private static int place(double[] weights, int size, double part) {
        double sum = 0;
        for (int i = 0; i < size; i++) {
            sum += weights[i];
        }
        double rest = part * sum;
        int last = 0;
        for (int i = 0; i < size && rest >= 0; i++) {
            if (weights[i] > 0) {
                last = i; // rounding may leave some of the rest behind the last weight
                rest -= weights[i];
            }
        }
        return last;
    }
}
