/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.internal.kernel.Kernels;

/** The probabilities that scores stand for: softmax(scores). All are 0 where all tokens are forbidden. */
final class Distribution {
    /** {@code [vocab]}. */
    final float[] probabilities;
    /** The highest of them. */
    final float highest;
    /** log Σ e^score: what is taken from a score to get the logarithm of its probability. */
    final double logSum;

    private final float[] scores;

    Distribution(float[] scores) {
        this.scores = scores;
        this.probabilities = scores.clone();
        Kernels.get().softmax(probabilities, 0, probabilities.length);
        int best = Ranking.highestId(scores);
        this.highest = probabilities[best];
        this.logSum = highest == 0 ? Double.NEGATIVE_INFINITY : scores[best] - Math.log(highest);
    }

    /** −Σ p log p, with log p = score − logSum; 0 where all tokens are forbidden. */
    double entropy() {
        double mean = 0;
        double sum = 0;
        for (int id = 0; id < scores.length; id++) {
            float p = probabilities[id];
            sum += p;
            mean += p > 0 ? p * scores[id] : 0;
        }
        return sum == 0 ? 0 : sum * logSum - mean;
    }
}
