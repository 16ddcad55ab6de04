/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.quantization;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.kernel.Scratch;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Stored rows of 32 or 16 bits, read as float32. */
public final class FloatRows {
    private static final Kernels KERNELS = Kernels.get();
    private static final Scratch<short[]> ROW = Scratch.of(short[]::new);
    private static final Scratch<byte[]> STORED = Scratch.of(byte[]::new);
    private static final Scratch<float[]> VALUES = Scratch.of(float[]::new);

    private FloatRows() {}

    /** What to do with a row of a tensor. */
    @FunctionalInterface
    public interface Body {
        /** Hears of a row, on any thread; the values are lent. */
        void row(int row, float[] values);
    }

    /** Reads all rows, widened to float32, all threads sharing them. What is read is never in memory as a whole. */
    public static void forEach(StoredTensor tensor, int out, int in, Body body) {
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

    /** Reads n elements, widened to float32, from a buffer that stands at the first and is little-endian. */
    public static void widen(ByteBuffer view, DType dtype, float[] to, int from, int n) {
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
}
