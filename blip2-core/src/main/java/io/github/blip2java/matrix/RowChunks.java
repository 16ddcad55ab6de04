/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.matrix;

import io.github.blip2java.kernel.Parallel;

/** Splits the rows of a matrix into pieces that fit the first-level cache, once they are copied, with room for inputs. */
final class RowChunks {
    /** Measured: 4 to 16 KiB are alike. */
    private static final int CHUNK_BYTES = 4 << 10;

    private RowChunks() {}

    /** What to do with {@code count} rows from {@code first} on. */
    @FunctionalInterface
    interface Body {
        void rows(int first, int count);
    }

    static void forEach(int rows, int rowBytes, Body body) {
        int chunk = Math.max(1, CHUNK_BYTES / rowBytes);
        Parallel.forRange((rows + chunk - 1) / chunk, index -> {
            int first = index * chunk;
            body.rows(first, Math.min(chunk, rows - first));
        });
    }
}
