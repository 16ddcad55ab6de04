/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.internal.kernel.Parallel;

/** Shares the rows of a matrix out among the threads of the pool, for a product of few rows. */
final class RowTasks {
    /**
     * Rows of the matrix that stay together: a multiple of all numbers of rows that kernels handle together, so that results do not
     * depend on the number of threads.
     */
    private static final int TOGETHER = 24;

    /** Measured: with fewer multiply-adds than this, waking a thread costs more than the product. */
    private static final long SMALL = 200_000;

    private RowTasks() {}

    /** What to do with the matrix rows from {@code from} to {@code to - 1}. */
    @FunctionalInterface
    interface Body {
        void rows(int from, int to);
    }

    static boolean isSmall(int out, int in, int rows) {
        return (long) out * in * rows < SMALL;
    }

    static void forEach(int out, int in, int rows, Body body) {
        if (isSmall(out, in, rows)) {
            body.rows(0, out);
            return;
        }
        Parallel.forRanges(
                (out + TOGETHER - 1) / TOGETHER,
                (from, to) -> body.rows(from * TOGETHER, Math.min(out, to * TOGETHER)));
    }
}
