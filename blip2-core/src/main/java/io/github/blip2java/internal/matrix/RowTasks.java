/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.internal.kernel.Parallel;

/** Shares the rows of a matrix out among the threads of the pool, for a product of few rows. */
final class RowTasks {
    private static final long SMALL = Tuning.CHOSEN.smallProduct();
    private static final int TOGETHER = Tuning.CHOSEN.taskRows();

    private RowTasks() {}

    /** What to do with the matrix rows from {@code from} to {@code to - 1}. */
    @FunctionalInterface
    interface Body {
        void rows(int from, int to);
    }

    static boolean isSmall(int out, int in, int rows) {
        return (long) out * in * rows < SMALL;
    }

    /** Computes all columns of y. */
    static void forEach(int in, int rows, Result y, Body body) {
        int out = y.stride();
        if (isSmall(out, in, rows)) {
            compute(0, out, rows, y, body);
            return;
        }
        Parallel.forRanges(
                (out + TOGETHER - 1) / TOGETHER,
                (from, to) -> compute(from * TOGETHER, Math.min(out, to * TOGETHER), rows, y, body));
    }

    private static void compute(int from, int to, int rows, Result y, Body body) {
        body.rows(from, to);
        for (int row = 0; row < rows; row++) {
            y.written(row, from, to - from);
        }
    }
}
