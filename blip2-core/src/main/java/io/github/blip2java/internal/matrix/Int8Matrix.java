/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.kernel.FewRows;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.StoredRows;
import io.github.blip2java.internal.kernel.WeightKernel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Weights of 8 bits: w = code · scale, with one scale for each row. */
final class Int8Matrix implements WeightMatrix, FewOrMany {
    private static final Kernels KERNELS = Kernels.get();
    private static final WeightKernel INT8 = KERNELS.int8();
    private static final Tuning.Rows TUNING = Tuning.CHOSEN.rows(WeightFormat.INT8);

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
        INT8.widen(new StoredRows(codes, in, row, row + 1), row, to, from);
        for (int i = from; i < from + in; i++) {
            to[i] *= scales[row];
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
        if (!Gemm.suitsInt8(rows, out, in)) {
            Gemm.multiplyWidened(this, x, rows, y);
            return;
        }
        try (Int8Activations inputs = new Int8Activations(x, rows, in)) {
            inputs.multiply(codes, scales, out, y);
        }
    }

    @Override
    public void multiplyFew(float[] x, int rows, int together, Result y) {
        FewRows few = KERNELS.fewRows(x, rows, in, together);
        RowTasks.forEach(in, rows, y, (from, to) -> {
            INT8.multiply(new StoredRows(codes, in, from, to), few, y.data(), out);
            for (int r = 0; r < rows; r++) {
                for (int o = from; o < to; o++) {
                    y.data()[r * out + o] *= scales[o];
                }
            }
        });
    }
}
