/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.internal.kernel.Parallel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Products of many rows in bfloat16. Weights of another type are rounded block by block each time: beside the product that is little,
 * and there is no second copy of the model.
 */
final class Bf16Gemm {
    /** Floats that one thread rounds at a time. */
    private static final int PIECE = 1 << 16;

    private Bf16Gemm() {}

    /**
     * Y = X · Wᵀ, both rounded to bfloat16.
     *
     * @param weights {@code [out, in]}, outside the heap
     */
    static void multiply(ByteBuffer weights, DType dtype, float[] x, int rows, int out, int in, Result y) {
        boolean asTheyLie = dtype == DType.BF16;
        int rowBytes = in * dtype.bytes();
        try (NativeMemory input = rounded(x, rows * in)) {
            Gemm.forParts(out, (from, count) -> {
                int block = asTheyLie ? count : TurnedProduct.blockRows(rows, count, in);
                try (NativeMemory rounded = asTheyLie ? null : NativeMemory.bytes(block * in * DType.BF16.bytes());
                        NativeMemory product = NativeMemory.floats(rows * block)) {
                    for (int first = from; first < from + count; first += block) {
                        int n = Math.min(block, from + count - first);
                        ByteBuffer own =
                                weights.slice(first * rowBytes, n * rowBytes).order(ByteOrder.LITTLE_ENDIAN);
                        if (!asTheyLie) {
                            ByteBuffer target = rounded.asBytes();
                            Gemm.provider().roundToBf16(own, dtype, n * in, target);
                            own = target;
                        }
                        multiplyBlock(input.asBytes(), rows, own, n, in, product, y.from(first));
                    }
                }
            });
        }
    }

    private static void multiplyBlock(
            ByteBuffer x, int rows, ByteBuffer weights, int n, int in, NativeMemory product, Result y) {
        if (!TurnedProduct.suits(rows)) {
            FloatBuffer sums = product.asFloats();
            Gemm.provider().multiplyBf16(x, rows, weights, n, in, sums);
            Parallel.forRange(rows, row -> {
                sums.get(row * n, y.data(), y.at(row, 0), n);
                y.written(row, 0, n);
            });
            return;
        }
        Gemm.provider().multiplyBf16(weights, n, x, rows, in, product.asFloats());
        TurnedProduct.forEach(product.asBytes().asIntBuffer(), n, rows, (row, from, count, sums, at, step) -> {
            for (int o = 0; o < count; o++) {
                y.data()[y.at(row, from + o)] = Float.intBitsToFloat(sums[at + o * step]);
            }
            y.written(row, from, count);
        });
    }

    private static NativeMemory rounded(float[] x, int n) {
        NativeMemory rounded = NativeMemory.bytes(Math.multiplyExact(n, DType.BF16.bytes()));
        try (NativeMemory floats = NativeMemory.copyOf(x, n)) {
            Parallel.forRange((n + PIECE - 1) / PIECE, piece -> {
                int from = piece * PIECE;
                int count = Math.min(PIECE, n - from);
                ByteBuffer source = floats.asBytes().position(from * Float.BYTES);
                ByteBuffer target = rounded.asBytes().position(from * DType.BF16.bytes());
                Gemm.provider().roundToBf16(source, DType.F32, count, target);
            });
            return rounded;
        } catch (Throwable e) {
            rounded.close();
            throw e;
        }
    }
}
