/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.WeightFormat;

/** Floats whose products of many rows round both factors to bfloat16; with few rows they are multiplied as they are. */
record Bf16Matrix(DenseMatrix matrix) implements WeightMatrix {
    private static final int FEW_ROWS = Tuning.CHOSEN.rows(WeightFormat.F32).few();

    @Override
    public int outFeatures() {
        return matrix.outFeatures();
    }

    @Override
    public int inFeatures() {
        return matrix.inFeatures();
    }

    @Override
    public void multiply(float[] x, int rows, float[] y, Epilogue then) {
        if (rows > FEW_ROWS && Gemm.suits(rows, outFeatures(), inFeatures())) {
            Result result = new Result(y, outFeatures(), 0, then);
            Bf16Gemm.multiply(matrix.bytes(), matrix.dtype(), x, rows, outFeatures(), inFeatures(), result);
        } else {
            matrix.multiply(x, rows, y, then);
        }
    }

    @Override
    public void copyRow(int row, float[] to, int from) {
        matrix.copyRow(row, to, from);
    }
}
