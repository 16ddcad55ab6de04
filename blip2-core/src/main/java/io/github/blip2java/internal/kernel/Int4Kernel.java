/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

/** Weights of 4 bits on one kind of kernels: as {@link WeightKernel}, with activations of 8 bits. Arguments are not checked. */
public interface Int4Kernel {

    /**
     * Computes y[r, o] = x[r] · W[o] in whole numbers, group by group.
     *
     * @param w   rows o of the matrix
     * @param x   activations
     * @param y   {@code [rows of x, out]}; columns {@code w.from} to {@code w.to - 1} are overwritten
     * @param out columns of y
     */
    void multiply(StoredInt4Rows w, Int4Activations x, float[] y, int out);

    /**
     * Widens a row in the order it is stored in, see {@link Int4Rows#place}.
     *
     * @param weights the rows
     * @param row     which one
     * @param out     receives all weights of the row's blocks
     * @param outFrom where they go
     */
    void widen(Int4Rows weights, int row, float[] out, int outFrom);

    /**
     * Rounds a row to signed bytes, in the order of {@link Int4Rows#bytePlace}. Scales and offsets are rounded to 1/256 of a code
     * first, so that it is done in whole numbers.
     *
     * @param weights the rows
     * @param row     which one
     * @param highest {@link Int4Rows#highest} of the row, which becomes 127
     * @param out     receives codes in ±127 for all weights of the row's blocks, two in each number, the first in its lower half
     */
    void narrow(Int4Rows weights, int row, float highest, short[] out);
}
