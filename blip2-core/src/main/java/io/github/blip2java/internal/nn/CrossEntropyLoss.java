/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.internal.tensor.Tensor;

/** Mean of −log softmax(logits)[label] over the labels that count. Reference: {@code torch.nn.CrossEntropyLoss}. */
public final class CrossEntropyLoss {
    /** The label that does not count. */
    public static final long IGNORE = -100;

    private CrossEntropyLoss() {}

    /**
     * Checks labels, before anything is computed from them.
     *
     * @param labels {@code [batch, seq]}
     * @param vocab  size of the vocabulary
     * @throws IllegalArgumentException if a label is neither an id from 0 to vocab - 1 nor {@link #IGNORE}
     */
    public static void check(long[][] labels, int vocab) {
        for (int row = 0; row < labels.length; row++) {
            for (int column = 0; column < labels[row].length; column++) {
                long label = labels[row][column];
                if (label != IGNORE && (label < 0 || label >= vocab)) {
                    throw new IllegalArgumentException("labels: expected ids from 0 to " + (vocab - 1) + " or " + IGNORE
                            + ", got " + label + " in row " + row + ", column " + column + "; set " + IGNORE
                            + " where no loss is wanted");
                }
            }
        }
    }

    /**
     * Computes the loss.
     *
     * @param logits {@code [batch, seq, vocab]}
     * @param labels {@code [batch, seq]}, ids or {@link #IGNORE}
     * @param shift  whether position i predicts label i + 1, as in a decoder-only model, rather than label i
     * @return the mean; NaN when no label counts
     * @throws IllegalArgumentException if a label is outside the vocabulary
     */
    public static float forward(Tensor logits, long[][] labels, boolean shift) {
        int seq = logits.dim(1);
        int vocab = logits.dim(2);
        check(labels, vocab);
        double sum = 0;
        int count = 0;
        for (int b = 0; b < labels.length; b++) {
            for (int s = shift ? 1 : 0; s < seq; s++) {
                long label = labels[b][s];
                if (label == IGNORE) {
                    continue;
                }
                int row = (b * seq + s - (shift ? 1 : 0)) * vocab;
                sum += logSumExp(logits.data(), row, vocab) - logits.data()[row + (int) label];
                count++;
            }
        }
        return (float) (sum / count);
    }

    private static double logSumExp(float[] x, int from, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = from; i < from + n; i++) {
            max = Math.max(max, x[i]);
        }
        double sum = 0;
        for (int i = from; i < from + n; i++) {
            sum += Math.exp(x[i] - max);
        }
        return max + Math.log(sum);
    }
}
