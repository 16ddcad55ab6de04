/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.matrix;

import io.github.blip2java.kernel.Kernels;
import io.github.blip2java.kernel.Rows;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Weights of 8 bits: w = code · scale, with one scale for each row. */
final class Int8Matrix implements WeightMatrix {
    private static final Kernels KERNELS = Kernels.get();

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
        byte[] bytes = Scratch.bytes(in);
        codes.get(row * in, bytes, 0, in);
        KERNELS.widenInt8(bytes, 0, scales[row], to, from, in);
    }

    @Override
    public void multiply(float[] x, int rows, float[] y) {
        if (rows > DenseMatrix.FEW_ROWS && Gemm.isAvailable()) {
            Gemm.multiplyWidened(this, x, rows, y);
            return;
        }
        Rows inputs = new Rows(x, 0, in);
        RowChunks.forEach(out, in, (first, count) -> {
            byte[] bytes = Scratch.bytes(count * in);
            codes.get(first * in, bytes, 0, count * in);
            float[] sums = Scratch.floats(rows);
            for (int i = 0; i < count; i++) {
                KERNELS.dotInt8(inputs, rows, bytes, i * in, in, sums);
                for (int r = 0; r < rows; r++) {
                    y[r * out + first + i] = sums[r] * scales[first + i];
                }
            }
        });
    }
}
