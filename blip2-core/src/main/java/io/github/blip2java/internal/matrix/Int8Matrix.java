/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.internal.kernel.FewRows;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Rows;
import io.github.blip2java.internal.kernel.Scratch;
import io.github.blip2java.internal.kernel.StoredRows;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Weights of 8 bits: w = code · scale, with one scale for each row. */
final class Int8Matrix implements WeightMatrix {
    private static final Kernels KERNELS = Kernels.get();
    private static final Scratch<byte[]> ROW = Scratch.of(byte[]::new);

    /** Measured: with more rows, rounding them and multiplying whole numbers is faster; with five as fast where there is VNNI. */
    private static final int FEW_ROWS = KERNELS.readInPlace() ? 5 : 3;

    /** Measured: so many rows together take less time than one after the other. */
    private static final int TOGETHER = 3;

    /** The same where the library keeps up with memory for a handful of rows. */
    private static final int FEWER_ROWS = 3;

    private final ByteBuffer codes;
    private final float[] scales;
    private final int out;
    private final int in;

    /**
     * Uses parts where they lie.
     *
     * @param codes  signed bytes {@code [out, in]}
     * @param scales floats {@code [out]}
     */
    Int8Matrix(ByteBuffer codes, ByteBuffer scales, int out, int in) {
        this.codes = codes;
        this.scales = new float[out];
        scales.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(this.scales);
        this.out = out;
        this.in = in;
    }

    @Override
    public int outFeatures() {
        return out;
    }

    @Override
    public int inFeatures() {
        return in;
    }

    @Override
    public void copyRow(int row, float[] to, int from) {
        byte[] bytes = ROW.get(in);
        codes.get(row * in, bytes, 0, in);
        KERNELS.widenInt8(bytes, 0, scales[row], to, from, in);
    }

    @Override
    public void multiply(float[] x, int rows, float[] y) {
        int fewest = Gemm.suitsFewRowsInt8() ? FEWER_ROWS : FEW_ROWS;
        if (rows > fewest && Gemm.suitsInt8(rows, out, in)) {
            try (Int8Activations inputs = new Int8Activations(x, rows, in)) {
                inputs.multiply(codes, scales, out, new Rows(y, 0, out));
            }
            return;
        }
        if (rows > DenseMatrix.FEW_ROWS && Gemm.suits(rows, out, in)) {
            Gemm.multiplyWidened(this, x, rows, y);
            return;
        }
        FewRows few = KERNELS.fewRows(x, rows, in, TOGETHER);
        RowTasks.forEach(
                out,
                in,
                rows,
                (from, to) -> KERNELS.multiplyInt8(new StoredRows(codes, in, from, to), scales, few, y, out));
    }
}
