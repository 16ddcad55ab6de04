/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.internal.kernel.Parallel;

/** Shares the rows of a matrix out among the threads of the pool, for a product of few rows. */
final class RowTasks {
    private static final Tuning TUNING = Tuning.CHOSEN;

    private RowTasks() {}

    /** What to do with the matrix rows from {@code from} to {@code to - 1}. */
    @FunctionalInterface
    interface Body {
        void rows(int from, int to);
    }

    static boolean isSmall(int out, int in, int rows) {
        return (long) out * in * rows < TUNING.smallProduct();
    }

    static void forEach(int out, int in, int rows, Body body) {
        if (isSmall(out, in, rows)) {
            body.rows(0, out);
            return;
        }
        int rowsOfTask = TUNING.taskRows();
        Parallel.forRange((out + rowsOfTask - 1) / rowsOfTask, task -> {
            int from = task * rowsOfTask;
            body.rows(from, Math.min(out, from + rowsOfTask));
        });
    }
}
