/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * y = (x − mean) / √(variance + eps) · weight + bias, over each row.
 *
 * <p>x and y {@code [..., hidden]}. Keys: {@code weight}, {@code bias} {@code [hidden]}. Reference:
 * {@code torch.nn.LayerNorm}.
 */
public final class LayerNorm {
    private static final Kernels KERNELS = Kernels.get();

    private final float[] weight;
    private final float[] bias;
    private final float eps;

    /**
     * Loads weight and bias.
     *
     * @param hidden  row length
     * @param eps     added to the variance
     * @param weights the scope that holds {@code weight} and {@code bias}
     */
    public LayerNorm(int hidden, double eps, WeightScope weights) {
        this(weights.floats("weight", hidden), weights.floats("bias", hidden), eps);
    }

    private LayerNorm(float[] weight, float[] bias, double eps) {
        this.weight = weight;
        this.bias = bias;
        this.eps = (float) eps;
    }

    /**
     * Makes a norm without weight and bias ({@code layer_norm_elementwise_affine: false}).
     *
     * @param eps added to the variance
     * @return the norm
     */
    public static LayerNorm withoutAffine(double eps) {
        return new LayerNorm(null, null, eps);
    }

    /**
     * Normalises every row.
     *
     * @param x {@code [..., hidden]}
     * @return a new tensor of the same shape
     */
    public Tensor forward(Tensor x) {
        int n = x.cols();
        float[] y = new float[x.data().length];
        Parallel.forRange(x.rows(), row -> KERNELS.layerNorm(x.data(), row * n, n, weight, bias, eps, y, row * n));
        return x.withRows(y, n);
    }
}
