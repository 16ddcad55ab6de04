/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

/**
 * One format of weights on one kind of kernels: how a stored row is widened, and how few rows of activations are multiplied with
 * stored rows. Arguments are not checked.
 */
public interface WeightKernel {

    /**
     * Computes y[r, o] = x[r] · W[o].
     *
     * @param w   rows o of the matrix
     * @param x   rows of {@code w.width}
     * @param y   {@code [rows, out]}; columns {@code w.from} to {@code w.to - 1} are overwritten
     * @param out columns of y
     */
    void multiply(StoredRows w, FewRows x, float[] y, int out);

    /**
     * Widens one row to float32.
     *
     * @param w    the matrix
     * @param row  number of the row in it
     * @param to   receives {@code w.width} floats
     * @param from where they go
     */
    void widen(StoredRows w, int row, float[] to, int from);
}
