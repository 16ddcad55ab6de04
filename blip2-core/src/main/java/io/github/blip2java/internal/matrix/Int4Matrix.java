/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.kernel.Int4Activations;
import io.github.blip2java.internal.kernel.Int4Kernel;
import io.github.blip2java.internal.kernel.Int4Rows;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.kernel.Scratch;
import io.github.blip2java.internal.kernel.StoredInt4Rows;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;

/**
 * Weights of 4 bits: w = code · scale + offset, with one scale and offset for each group of 32; see {@link Int4Rows}.
 *
 * <p>Products of few rows quantise the rows of activations too, to 8 bits, so that they are computed with whole numbers.
 */
final class Int4Matrix implements WeightMatrix, FewOrMany {
    private static final Int4Kernel INT4 = Kernels.get().int4();
    private static final Tuning.Rows TUNING = Tuning.CHOSEN.rows(WeightFormat.INT4);

    private static final Scratch<short[]> ROW = Scratch.of(short[]::new);

    private final ByteBuffer codes;
    private final ByteBuffer scalesOffsets;
    private final int out;
    private final int in;
    private final int blocks;
    /** The largest magnitude of each row, when it is first needed. */
    private volatile float[] highest;

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
    public void multiply(float[] x, int rows, float[] y, Epilogue then) {
        Result result = new Result(y, out, 0, then);
        if (rows > TUNING.few() && Gemm.suits(rows, out, in)) {
            multiplyMany(x, rows, result);
        } else {
            multiplyFew(x, rows, TUNING.together(), result);
        }
    }

    @Override
    public void multiplyMany(float[] x, int rows, Result y) {
        if (Gemm.suitsInt8(rows, out, in)) {
            multiplyAsInt8(x, rows, y);
        } else {
            inStorageOrder.multiply(reordered(x, rows), rows, y.data(), y.then());
        }
    }

    @Override
    public void multiplyFew(float[] x, int rows, int together, Result y) {
        Int4Activations inputs = Int4Activations.of(x, rows, in, together);
        RowTasks.forEach(in, rows, y, (from, to) -> INT4.multiply(rows(from, to), inputs, y.data(), out));
    }

    /** Weights are rounded to 8 bits, block by block; next to having been rounded to 4 that is little. */
    private void multiplyAsInt8(float[] x, int rows, Result y) {
        int width = blocks * Int4Rows.BLOCK;
        float[] reordered = new float[Math.multiplyExact(rows, width)];
        Parallel.forRange(rows, r -> Int4Rows.inBytePlaces(x, r * in, in, reordered, r * width));
        try (Int8Activations inputs = new Int8Activations(reordered, rows, width)) {
            Gemm.forParts(out, (from, count) -> {
                int block = TurnedProduct.blockRows(rows, count, width);
                float[] scales = new float[block];
                try (NativeMemory narrowed = NativeMemory.bytes(block * width)) {
                    for (int first = from; first < from + count; first += block) {
                        int n = Math.min(block, from + count - first);
                        narrow(first, n, narrowed.asBytes(), scales);
                        inputs.multiplyBlock(narrowed.asBytes(), scales, n, y.from(first));
                    }
                }
            });
        }
    }

    private void narrow(int first, int count, ByteBuffer target, float[] scales) {
        float[] most = highest();
        int width = blocks * Int4Rows.BLOCK;
        Parallel.forRanges(count, (from, to) -> {
            ShortBuffer pairs =
                    target.duplicate().order(ByteOrder.LITTLE_ENDIAN).asShortBuffer();
            Int4Rows stored = Int4Rows.zeros(1, blocks);
            short[] own = ROW.get(width / 2);
            for (int row = from; row < to; row++) {
                copyRow(first + row, stored);
                INT4.narrow(stored, 0, most[first + row], own);
                pairs.put(row * width / 2, own, 0, width / 2);
                scales[row] = most[first + row] / Byte.MAX_VALUE;
            }
        });
    }

    /** Of each row; threads that find nothing there find out the same. */
    private float[] highest() {
        float[] found = highest;
        if (found == null) {
            float[] rows = new float[out];
            Parallel.forRanges(out, (from, to) -> {
                Int4Rows stored = Int4Rows.zeros(1, blocks);
                for (int row = from; row < to; row++) {
                    copyRow(row, stored);
                    rows[row] = stored.highest(0);
                }
            });
            highest = found = rows;
        }
        return found;
    }

    private void copyRow(int row, Int4Rows to) {
        rows(row, row + 1).copyRows(row, 1, to);
    }

    private Int4Rows row(int row) {
        Int4Rows stored = Int4Rows.zeros(1, blocks);
        copyRow(row, stored);
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
        public void multiply(float[] x, int rows, float[] y, Epilogue then) {
            Gemm.multiplyWidened(this, x, rows, new Result(y, out, 0, then));
        }
    }
}
