/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.kernel.Int4Activations;
import io.github.blip2java.internal.kernel.Int4Kernel;
import io.github.blip2java.internal.kernel.Int4Rows;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.kernel.Rows;
import io.github.blip2java.internal.kernel.Scratch;
import io.github.blip2java.internal.kernel.StoredInt4Rows;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Weights of 4 bits: w = code · scale + offset, with one scale and offset for each group of 32; see {@link Int4Rows}.
 *
 * <p>Products of few rows quantise the rows of activations too, to 8 bits, so that they are computed with whole numbers.
 */
final class Int4Matrix implements WeightMatrix, FewOrMany {
    private static final Int4Kernel INT4 = Kernels.get().int4();
    private static final Tuning.Rows TUNING = Tuning.CHOSEN.rows(WeightFormat.INT4);

    private static final Scratch<byte[]> ROW = Scratch.of(byte[]::new);

    private final ByteBuffer codes;
    private final ByteBuffer scalesOffsets;
    private final int out;
    private final int in;
    private final int blocks;
    private final WeightMatrix inStorageOrder = new InStorageOrder();

    /**
     * Uses parts where they lie.
     *
     * @param codes         {@link Int4Rows#codes} of all rows
     * @param scalesOffsets {@link Int4Rows#scalesOffsets} of all rows
     */
    Int4Matrix(ByteBuffer codes, ByteBuffer scalesOffsets, int out, int in) {
        this.codes = codes;
        this.scalesOffsets = scalesOffsets.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        this.out = out;
        this.in = in;
        this.blocks = Int4Rows.blocks(in);
    }

    @Override
    public int outFeatures() {
        return out;
    }

    @Override
    public int inFeatures() {
        return in;
    }

    private StoredInt4Rows rows(int from, int to) {
        return new StoredInt4Rows(codes, scalesOffsets, blocks, from, to);
    }

    @Override
    public void copyRow(int row, float[] to, int from) {
        float[] stored = new float[inStorageOrder.inFeatures()];
        inStorageOrder.copyRow(row, stored, 0);
        for (int i = 0; i < in; i++) {
            to[from + i] = stored[Int4Rows.place(i)];
        }
    }

    @Override
    public void multiply(float[] x, int rows, float[] y) {
        if (rows > TUNING.few() && Gemm.suits(rows, out, in)) {
            multiplyMany(x, rows, y);
        } else {
            multiplyFew(x, rows, TUNING.together(), y);
        }
    }

    @Override
    public void multiplyMany(float[] x, int rows, float[] y) {
        if (Gemm.suitsInt8(rows, out, in)) {
            multiplyAsInt8(reordered(x, rows), rows, y);
        } else {
            inStorageOrder.multiply(reordered(x, rows), rows, y);
        }
    }

    @Override
    public void multiplyFew(float[] x, int rows, int together, float[] y) {
        Int4Activations inputs = Int4Activations.of(x, rows, in, together);
        RowTasks.forEach(out, in, rows, (from, to) -> INT4.multiply(rows(from, to), inputs, y, out));
    }

    /** Weights are rounded to 8 bits, block by block; next to having been rounded to 4 that is little. */
    private void multiplyAsInt8(float[] x, int rows, float[] y) {
        int width = inStorageOrder.inFeatures();
        int block = Gemm.blockRows(out, width);
        float[] scales = new float[block];
        try (Int8Activations inputs = new Int8Activations(x, rows, width);
                NativeMemory narrowed = NativeMemory.bytes(block * width)) {
            ByteBuffer weights = narrowed.asBytes();
            for (int from = 0; from < out; from += block) {
                int first = from;
                int count = Math.min(block, out - from);
                Parallel.forRange(count, row -> {
                    byte[] own = ROW.get(width);
                    scales[row] = INT4.narrow(row(first + row), 0, own);
                    weights.put(row * width, own, 0, width);
                });
                inputs.multiply(weights, scales, count, new Rows(y, from, out));
            }
        }
    }

    private Int4Rows row(int row) {
        Int4Rows stored = Int4Rows.zeros(1, blocks);
        rows(row, row + 1).copyRows(row, 1, stored);
        return stored;
    }

    private float[] reordered(float[] x, int rows) {
        int length = inStorageOrder.inFeatures();
        float[] reordered = new float[rows * length];
        Parallel.forRange(rows, r -> {
            for (int i = 0; i < in; i++) {
                reordered[r * length + Int4Rows.place(i)] = x[r * in + i];
            }
        });
        return reordered;
    }

    /** The same matrix with its columns as they lie: quicker to widen. Columns beyond the last are anything finite. */
    private final class InStorageOrder implements WeightMatrix {
        @Override
        public int outFeatures() {
            return out;
        }

        @Override
        public int inFeatures() {
            return Int4Rows.blocks(in) * Int4Rows.BLOCK;
        }

        @Override
        public void copyRow(int row, float[] to, int from) {
            INT4.widen(row(row), 0, to, from);
        }

        @Override
        public void multiply(float[] x, int rows, float[] y) {
            Gemm.multiplyWidened(this, x, rows, y);
        }
    }
}
