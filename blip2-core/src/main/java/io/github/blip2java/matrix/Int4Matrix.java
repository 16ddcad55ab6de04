/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.matrix;

import io.github.blip2java.kernel.Int4Activations;
import io.github.blip2java.kernel.Int4Rows;
import io.github.blip2java.kernel.Kernels;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;

/**
 * Weights of 4 bits: w = code · scale + offset, with one scale and offset for each group of 32; see {@link Int4Rows}.
 *
 * <p>Products of few rows quantise the rows of activations too, to 8 bits, so that they are computed with whole numbers.
 */
final class Int4Matrix implements WeightMatrix {
    private static final Kernels KERNELS = Kernels.get();

    private final ByteBuffer codes;
    private final ShortBuffer scalesOffsets;
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
        this.scalesOffsets =
                scalesOffsets.duplicate().order(ByteOrder.LITTLE_ENDIAN).asShortBuffer();
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

    private Int4Rows rows(int first, int count) {
        int codeCount = count * blocks * Int4Rows.BLOCK_BYTES;
        int scaleCount = count * blocks * Int4Rows.BLOCK_GROUPS * 2;
        Int4Rows rows = new Int4Rows(Scratch.bytes(codeCount), Scratch.shorts(scaleCount), blocks);
        codes.get(first * blocks * Int4Rows.BLOCK_BYTES, rows.codes(), 0, codeCount);
        scalesOffsets.get(first * blocks * Int4Rows.BLOCK_GROUPS * 2, rows.scalesOffsets(), 0, scaleCount);
        return rows;
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
        if (rows > DenseMatrix.FEW_ROWS && Gemm.isAvailable()) {
            inStorageOrder.multiply(reordered(x, rows), rows, y);
            return;
        }
        Int4Activations inputs = Int4Activations.of(x, rows, in);
        RowChunks.forEach(out, blocks * Int4Rows.BLOCK_BYTES, (first, count) -> {
            Int4Rows weights = rows(first, count);
            for (int i = 0; i < count; i++) {
                for (int r = 0; r < rows; r++) {
                    y[r * out + first + i] = KERNELS.dotInt4(inputs, r, weights, i);
                }
            }
        });
    }

    private float[] reordered(float[] x, int rows) {
        int length = inStorageOrder.inFeatures();
        float[] reordered = new float[rows * length];
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < in; i++) {
                reordered[r * length + Int4Rows.place(i)] = x[r * in + i];
            }
        }
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
            KERNELS.widenInt4(rows(row, 1), 0, to, from);
        }

        @Override
        public void multiply(float[] x, int rows, float[] y) {
            Gemm.multiplyWidened(this, x, rows, y);
        }
    }
}
