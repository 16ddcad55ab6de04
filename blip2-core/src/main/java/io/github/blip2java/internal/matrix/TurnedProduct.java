/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.kernel.Scratch;
import java.nio.IntBuffer;

/**
 * Products computed as Yᵀ = W · Xᵀ, where the library reads its first factor as it lies: with few rows, turning y back is less than
 * putting the weights in another order.
 */
final class TurnedProduct {
    /** Measured: with a prompt's 36 rows it is faster, with a picture's 257 not always. */
    private static final int MOST_ROWS = 128;

    /** Columns of y written at once: a line of the cache. */
    private static final int COLUMNS = 16;

    /** Weights of a block that are made for a product: of few rows of x small enough for a core's second-level cache. */
    private static final int SMALL_BLOCK = 1 << 19;

    /** Of many rows, so large that the library, which reads x once a block, works as on a whole matrix. */
    private static final int BLOCK = 1 << 22;

    /** Blocks have a multiple of so many rows of weights, as libraries compute them in blocks. */
    private static final int BLOCK_ROWS = 64;

    private static final Scratch<int[]> SUMS = Scratch.of(int[]::new);

    private TurnedProduct() {}

    static boolean suits(int rows) {
        return rows <= MOST_ROWS && Gemm.provider().readsFirstFactorInPlace();
    }

    /** How many of {@code count} rows of weights, of {@code in} each, to round or narrow at a time. */
    static int blockRows(int rows, int count, int in) {
        int most = Math.max(1, (suits(rows) ? SMALL_BLOCK : BLOCK) / in / BLOCK_ROWS) * BLOCK_ROWS;
        int blocks = (count + most - 1) / most;
        return Math.min(count, (count + blocks * BLOCK_ROWS - 1) / (blocks * BLOCK_ROWS) * BLOCK_ROWS);
    }

    /** What to do with a part of a row of y. */
    @FunctionalInterface
    interface Part {
        /**
         * Takes the columns {@code from} to {@code from + count - 1} of a row.
         *
         * @param sums the first of them is at {@code at}, each further one {@code step} behind
         */
        void take(int row, int from, int count, int[] sums, int at, int step);
    }

    /**
     * Goes through a product.
     *
     * @param sums {@code [n, rows]}, whole numbers or the bits of floats
     */
    static void forEach(IntBuffer sums, int n, int rows, Part body) {
        Parallel.forRange((n + COLUMNS - 1) / COLUMNS, block -> {
            int from = block * COLUMNS;
            int count = Math.min(COLUMNS, n - from);
            int[] own = SUMS.get(count * rows);
            sums.get(from * rows, own, 0, count * rows);
            for (int row = 0; row < rows; row++) {
                body.take(row, from, count, own, row, rows);
            }
        });
    }
}
