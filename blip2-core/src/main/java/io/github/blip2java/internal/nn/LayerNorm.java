/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.kernel.Frame;
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
        float[] y = Frame.floats(x.data().length);
        Parallel.forRange(x.rows(), row -> KERNELS.layerNorm(x.data(), row * n, n, weight, bias, eps, y, row * n));
        return x.withRows(y, n);
    }

    /**
     * Carries derivatives from the result back to x.
     *
     * @param x        what {@link #forward} was given
     * @param gradient derivatives by its result, of the same shape
     * @return derivatives by x: (g − mean(g) − x̂ · mean(g · x̂)) / √(variance + eps), where g = gradient · weight and x̂ is x normalised
     */
    public Tensor backward(Tensor x, Tensor gradient) {
        int n = x.cols();
        float[] dx = new float[x.data().length];
        Parallel.forRange(x.rows(), row -> backward(x.data(), gradient.data(), row * n, n, dx));
        return x.withRows(dx, n);
    }

    private void backward(float[] x, float[] gradient, int from, int n, float[] dx) {
        double mean = 0;
        for (int i = 0; i < n; i++) {
            mean += x[from + i] / (double) n;
        }
        double variance = 0;
        for (int i = 0; i < n; i++) {
            variance += (x[from + i] - mean) * (x[from + i] - mean) / n;
        }
        double deviation = Math.sqrt(variance + eps);
        double meanOfGradient = 0;
        double meanOfProduct = 0;
        for (int i = 0; i < n; i++) {
            double g = scaled(gradient, from, i);
            meanOfGradient += g / n;
            meanOfProduct += g * (x[from + i] - mean) / deviation / n;
        }
        for (int i = 0; i < n; i++) {
            double normed = (x[from + i] - mean) / deviation;
            dx[from + i] = (float) ((scaled(gradient, from, i) - meanOfGradient - normed * meanOfProduct) / deviation);
        }
    }

    private double scaled(float[] gradient, int from, int i) {
        return weight == null ? gradient[from + i] : (double) gradient[from + i] * weight[i];
    }
}
