/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.kernel.Frame;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * y = x / √(mean(x²) + eps) · weight, over each row.
 *
 * <p>x and y {@code [..., hidden]}. Key: {@code weight} {@code [hidden]}. Reference: {@code T5LayerNorm}.
 */
public final class RmsNorm {
    private static final Kernels KERNELS = Kernels.get();

    private final float[] weight;
    private final float eps;

    /**
     * Loads the weight.
     *
     * @param hidden  row length
     * @param eps     added to the mean square
     * @param weights the scope that holds {@code weight}
     */
    public RmsNorm(int hidden, double eps, WeightScope weights) {
        this.weight = weights.floats("weight", hidden);
        this.eps = (float) eps;
    }

    /**
     * Normalises every row.
     *
     * @param x {@code [..., hidden]}
     * @return a new tensor of the same shape
     */
    public Tensor forward(Tensor x) {
        int n = x.cols();
        float[] y = Frame.floats(x.data().length);
        Parallel.forRange(x.rows(), row -> KERNELS.rmsNorm(x.data(), row * n, n, weight, eps, y, row * n));
        return x.withRows(y, n);
    }
}
