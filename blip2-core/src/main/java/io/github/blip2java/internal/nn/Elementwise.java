/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.internal.kernel.Frame;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.tensor.Tensor;

/** Sums, products and lengths, element by element or row by row. */
public final class Elementwise {
    private static final Kernels KERNELS = Kernels.get();

    /** Keeps rows of zeros from becoming NaN. */
    private static final double SHORTEST = 1e-12;

    private Elementwise() {}

    /**
     * Adds, as every residual connection does.
     *
     * @param a any shape
     * @param b the same shape
     * @return a + b, a new tensor
     */
    public static Tensor add(Tensor a, Tensor b) {
        float[] sum = Frame.floats(a.data().length);
        int n = a.cols();
        Parallel.forRange(a.rows(), row -> {
            System.arraycopy(b.data(), row * n, sum, row * n, n);
            KERNELS.add(a.data(), row * n, sum, row * n, n);
        });
        return a.withRows(sum, n);
    }

    /**
     * Multiplies element by element, as a gated feed-forward layer does.
     *
     * @param a any shape
     * @param b the same shape
     * @return a · b, a new tensor
     */
    public static Tensor multiply(Tensor a, Tensor b) {
        float[] product = Frame.floats(a.data().length);
        int n = a.cols();
        Parallel.forRange(a.rows(), row -> {
            for (int i = row * n; i < (row + 1) * n; i++) {
                product[i] = a.data()[i] * b.data()[i];
            }
        });
        return a.withRows(product, n);
    }

    /**
     * Scales every row to length 1. Reference: {@code torch.nn.functional.normalize} over the last dimension.
     *
     * @param x any shape
     * @return x / max(‖x‖, 1e-12) row by row, a new tensor
     */
    public static Tensor normalize(Tensor x) {
        float[] unit = new float[x.data().length];
        int n = x.cols();
        Parallel.forRange(x.rows(), row -> {
            double length = Math.sqrt(KERNELS.dot(x.data(), row * n, x.data(), row * n, n));
            float by = (float) Math.max(length, SHORTEST);
            for (int i = row * n; i < (row + 1) * n; i++) {
                unit[i] = x.data()[i] / by;
            }
        });
        return x.withRows(unit, n);
    }
}
