/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.checkpoint.WeightMemory;
import io.github.blip2java.internal.kernel.FewRows;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.StoredRows;
import io.github.blip2java.internal.kernel.WeightKernel;
import io.github.blip2java.internal.quantization.FloatRows;
import io.github.blip2java.internal.quantization.Narrowing;
import java.nio.ByteBuffer;

/** Weights of 32 or 16 bits, where they lie in the mapped file or in memory of our own outside the heap. */
final class DenseMatrix implements WeightMatrix, FewOrMany {
    private static final Kernels KERNELS = Kernels.get();
    private final ByteBuffer bytes;
    private final DType dtype;
    private final WeightKernel kernel;
    private final Tuning.Rows tuning;
    private final int out;
    private final int in;

    DenseMatrix(ByteBuffer bytes, DType dtype, int out, int in) {
        this.bytes = bytes;
        this.dtype = dtype;
        this.kernel = switch (dtype) {
            case F16 -> KERNELS.f16();
            case BF16 -> KERNELS.bf16();
            default -> KERNELS.f32();
        };
        this.tuning = Tuning.CHOSEN.rows(
                switch (dtype) {
                    case F16 -> WeightFormat.F16;
                    case BF16 -> WeightFormat.BF16;
                    default -> WeightFormat.F32;
                });
        this.out = out;
        this.in = in;
    }

    /** Uses a tensor where it lies. */
    static DenseMatrix mapped(StoredTensor tensor, int out, int in) {
        return new DenseMatrix(tensor.map(), tensor.dtype(), out, in);
    }

    /** Converts a tensor, unless it has the wanted type already. */
    static DenseMatrix as(DType wanted, StoredTensor tensor, int out, int in) {
        if (tensor.dtype() == wanted) {
            return mapped(tensor, out, in);
        }
        ByteBuffer target = tensor.memory().allocate((long) out * in * wanted.bytes());
        FloatRows.forEach(
                tensor,
                out,
                in,
                (row, values) -> Narrowing.put(
                        values,
                        in,
                        wanted,
                        target,
                        row * in * wanted.bytes(),
                        tensor.info().name()));
        return new DenseMatrix(target, wanted, out, in);
    }

    static DenseMatrix of(WeightMemory memory, float[] values, int out, int in) {
        ByteBuffer bytes = memory.allocate((long) values.length * DType.F32.bytes());
        bytes.asFloatBuffer().put(values);
        return new DenseMatrix(bytes, DType.F32, out, in);
    }

    ByteBuffer bytes() {
        return bytes;
    }

    DType dtype() {
        return dtype;
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
        kernel.widen(new StoredRows(bytes, in, row, row + 1), row, to, from);
    }

    @Override
    public void multiply(float[] x, int rows, float[] y, Epilogue then) {
        Result result = new Result(y, out, 0, then);
        if (rows > tuning.few() && Gemm.suits(rows, out, in)) {
            multiplyMany(x, rows, result);
        } else {
            multiplyFew(x, rows, tuning.together(), result);
        }
    }

    @Override
    public void multiplyMany(float[] x, int rows, Result y) {
        Gemm.multiply(this, bytes, dtype, x, rows, y);
    }

    @Override
    public void multiplyFew(float[] x, int rows, int together, Result y) {
        FewRows few = KERNELS.fewRows(x, rows, in, together);
        RowTasks.forEach(
                in, rows, y, (from, to) -> kernel.multiply(new StoredRows(bytes, in, from, to), few, y.data(), out));
    }
}
