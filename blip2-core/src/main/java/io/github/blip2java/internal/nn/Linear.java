/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.kernel.Frame;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.matrix.WeightMatrix;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * Y = X · Wᵀ + b over the last dimension.
 *
 * <p>X {@code [..., in]}, W {@code [out, in]} as on disk, b {@code [out]} or none, Y {@code [..., out]}. Keys:
 * {@code weight}, {@code bias}. How W is stored and multiplied is {@link WeightMatrix}'s business. Reference:
 * {@code torch.nn.Linear}.
 */
public final class Linear {
    private static final Kernels KERNELS = Kernels.get();

    /** Columns that are turned at once: a line of the cache. */
    private static final int BLOCK = 16;

    private final WeightMatrix weight;
    private final float[] bias;

    /**
     * Loads weight and bias.
     *
     * @param in      input features
     * @param out     output features
     * @param bias    whether {@code bias} is read too
     * @param weights the scope that holds {@code weight} and {@code bias}
     */
    public Linear(int in, int out, boolean bias, WeightScope weights) {
        this(WeightMatrix.load(weights, "weight", out, in), bias ? weights.floats("bias", out) : null);
    }

    /**
     * Loads a small matrix at the end of a model, which is never kept with fewer than 16 bits: it costs nothing, and its error would
     * be the answer's.
     *
     * @param in      input features
     * @param out     output features
     * @param weights the scope that holds {@code weight} and {@code bias}
     * @return the projection
     */
    public static Linear head(int in, int out, WeightScope weights) {
        return new Linear(WeightMatrix.loadTable(weights, "weight", out, in), weights.floats("bias", out));
    }

    /**
     * Uses a matrix that is there already, such as a tied embedding table.
     *
     * @param weight the matrix
     * @param bias   {@code [out]}, or null for none
     */
    public Linear(WeightMatrix weight, float[] bias) {
        this.weight = weight;
        this.bias = bias;
    }

    /**
     * Projects every row.
     *
     * @param x {@code [..., in]}
     * @return {@code [..., out]}
     */
    public Tensor forward(Tensor x) {
        return forward(x, Activation.IDENTITY);
    }

    /**
     * Projects every row and applies an activation to the result.
     *
     * @param x          {@code [..., in]}
     * @param activation applied after the bias
     * @return {@code [..., out]}
     */
    public Tensor forward(Tensor x, Activation activation) {
        Tensor y = result(x);
        project(x, activation, y.data());
        return y;
    }

    /**
     * Projects every row several times, as attention does. All products are shared out at once, so that threads need not wait for each
     * other after each.
     *
     * @param x           {@code [..., in]}
     * @param projections with the same number of input features
     * @return {@code [..., out]} of each
     */
    public static List<Tensor> forward(Tensor x, Linear... projections) {
        List<Tensor> results =
                Stream.of(projections).map(projection -> projection.result(x)).toList();
        Parallel.forRange(
                projections.length,
                i -> projections[i].project(
                        x, Activation.IDENTITY, results.get(i).data()));
        return results;
    }

    private Tensor result(Tensor x) {
        int out = weight.outFeatures();
        return x.withRows(Frame.floats(Math.multiplyExact(x.rows(), out)), out);
    }

    private void project(Tensor x, Activation activation, float[] y) {
        weight.multiply(x.data(), x.rows(), y, (product, at, column, n) -> {
            if (bias != null) {
                KERNELS.add(bias, column, product, at, n);
            }
            activation.apply(KERNELS, product, at, n);
        });
    }

    /**
     * Carries derivatives from the result back to x: gradient · W.
     *
     * @param gradient derivatives by the result of {@link #forward(Tensor)}: {@code [..., out]}
     * @return derivatives by its argument: {@code [..., in]}
     */
    public Tensor backward(Tensor gradient) {
        int in = weight.inFeatures();
        int out = weight.outFeatures();
        float[] turned = turned(out, in);
        int rows = gradient.rows();
        float[] dx = new float[Math.multiplyExact(rows, in)];
        Parallel.forRange(in, column -> {
            for (int row = 0; row < rows; row++) {
                dx[row * in + column] = KERNELS.dot(gradient.data(), row * out, turned, column * out, out);
            }
        });
        return gradient.withRows(dx, in);
    }

    /** {@code [in, out]}, so that products are those of rows. */
    private float[] turned(int out, int in) {
        float[] w = new float[Math.multiplyExact(out, in)];
        Parallel.forRange(out, row -> weight.copyRow(row, w, row * in));
        float[] turned = new float[w.length];
        Parallel.forRange((in + BLOCK - 1) / BLOCK, block -> {
            for (int row = 0; row < out; row++) {
                for (int column = block * BLOCK; column < Math.min(in, (block + 1) * BLOCK); column++) {
                    turned[column * out + row] = w[row * in + column];
                }
            }
        });
        return turned;
    }
}
