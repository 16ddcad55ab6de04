/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.checkpoint.WeightMemory;
import io.github.blip2java.internal.kernel.FewRows;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Scratch;
import io.github.blip2java.internal.kernel.StoredRows;
import io.github.blip2java.internal.quantization.FloatRows;
import io.github.blip2java.internal.quantization.Narrowing;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Weights of 32 or 16 bits, where they lie in the mapped file or in memory of our own outside the heap. */
final class DenseMatrix implements WeightMatrix {
    private static final Kernels KERNELS = Kernels.get();
    private static final Scratch<short[]> ROW = Scratch.of(short[]::new);

    /** Measured: up to this many rows reading the weights is the cost, and dot products read them once. */
    static final int FEW_ROWS = 6;

    /** The same where the library keeps up with memory for a handful of rows; fewer are read once by a loop of ours as well. */
    private static final int FEWER_ROWS = 3;

    private final ByteBuffer bytes;
    private final DType dtype;
    private final int out;
    private final int in;

    private DenseMatrix(ByteBuffer bytes, DType dtype, int out, int in) {
        this.bytes = bytes;
        this.dtype = dtype;
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
        ByteBuffer view = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        view.position(row * in * dtype.bytes());
        FloatRows.widen(view, dtype, to, from, in);
    }

    @Override
    public void multiply(float[] x, int rows, float[] y) {
        int few = Gemm.suitsFewRows(dtype) ? FEWER_ROWS : FEW_ROWS;
        if (rows > few && Gemm.suits(rows, out, in)) {
            Gemm.multiply(this, bytes, dtype, x, rows, y);
        } else {
            multiplyByDots(x, rows, y);
        }
    }

    private void multiplyByDots(float[] x, int rows, float[] y) {
        FewRows few = KERNELS.fewRows(x, rows, in, 2);
        RowTasks.forEach(out, in, rows, (from, to) -> {
            StoredRows w = new StoredRows(bytes, in, from, to);
            switch (dtype) {
                case F16 -> KERNELS.multiplyF16(w, few, y, out);
                case BF16 -> KERNELS.multiplyBf16(w, few, y, out);
                default -> KERNELS.multiplyF32(w, few, y, out);
            }
        });
    }
}
