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
