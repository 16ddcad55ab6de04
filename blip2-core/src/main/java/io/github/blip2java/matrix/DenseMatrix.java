/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.matrix;

import io.github.blip2java.kernel.FewRows;
import io.github.blip2java.kernel.Kernels;
import io.github.blip2java.kernel.Parallel;
import io.github.blip2java.kernel.Scratch;
import io.github.blip2java.kernel.StoredRows;
import io.github.blip2java.weights.DType;
import io.github.blip2java.weights.StoredTensor;
import io.github.blip2java.weights.WeightMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Weights of 32 or 16 bits, where they lie in the mapped file or in memory of our own outside the heap. */
final class DenseMatrix implements WeightMatrix {
    private static final Kernels KERNELS = Kernels.get();
    private static final Scratch<short[]> ROW = Scratch.of(short[]::new);
    private static final Scratch<byte[]> STORED = Scratch.of(byte[]::new);
    private static final Scratch<float[]> VALUES = Scratch.of(float[]::new);

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
        forEachRow(
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

    /** What to do with a row of a tensor. */
    @FunctionalInterface
    interface RowBody {
        void row(int row, float[] values);
    }

    /** Reads all rows, widened to float32, all threads sharing them. What is read is never in memory as a whole. */
    static void forEachRow(StoredTensor tensor, int out, int in, RowBody body) {
        Parallel.forRange(out, row -> {
            byte[] stored = STORED.get(in * tensor.dtype().bytes());
            float[] values = VALUES.get(in);
            ByteBuffer view =
                    ByteBuffer.wrap(stored, 0, in * tensor.dtype().bytes()).order(ByteOrder.LITTLE_ENDIAN);
            tensor.read((long) row * view.remaining(), view);
            widen(view.flip(), tensor.dtype(), values, 0, in);
            body.row(row, values);
        });
    }

    static DenseMatrix of(WeightMemory memory, float[] values, int out, int in) {
        ByteBuffer bytes = memory.allocate((long) values.length * DType.F32.bytes());
        bytes.asFloatBuffer().put(values);
        return new DenseMatrix(bytes, DType.F32, out, in);
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
        widen(view, dtype, to, from, in);
    }

    /** Reads n elements, widened to float32, from a buffer that stands at the first and is little-endian. */
    static void widen(ByteBuffer view, DType dtype, float[] to, int from, int n) {
        if (dtype == DType.F32) {
            view.asFloatBuffer().get(to, from, n);
            return;
        }
        short[] bits = ROW.get(n);
        view.asShortBuffer().get(bits, 0, n);
        if (dtype == DType.F16) {
            KERNELS.widenF16(bits, to, from, n);
        } else {
            KERNELS.widenBf16(bits, to, from, n);
        }
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
