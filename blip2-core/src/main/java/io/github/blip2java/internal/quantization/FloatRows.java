/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.quantization;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.OffHeap;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.kernel.Scratch;
import java.nio.ByteBuffer;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Stored rows of 32 or 16 bits, read as float32. */
public final class FloatRows {
    /** Bytes read at a time; they and what is made of them stay in a core's own cache. */
    private static final int READ_BYTES = 1 << 18;

    /** At least so many reads for each thread, so that all end at about the same time. */
    private static final int READS_PER_THREAD = 4;

    private static final Kernels KERNELS = Kernels.get();
    private static final Scratch<short[]> ROW = Scratch.of(short[]::new);
    private static final Scratch<float[]> VALUES = Scratch.of(float[]::new);

    private FloatRows() {}

    /** What to do with a row of a tensor. */
    @FunctionalInterface
    public interface Body {
        /** Hears of a row, on any thread; the values are lent. */
        void row(int row, float[] values);
    }

    /**
     * Reads all rows, widened to float32, all threads sharing them. What is read is never in memory as a whole: a thread has some rows
     * at a time, as a read costs as much as some ten thousand bytes of it.
     */
    public static void forEach(StoredTensor tensor, int out, int in, Body body) {
        int width = in * tensor.dtype().bytes();
        int together =
                Math.max(1, Math.min(READ_BYTES / Math.max(1, width), out / (Parallel.threads() * READS_PER_THREAD)));
        Queue<OffHeap> idle = new ConcurrentLinkedQueue<>();
        try {
            Parallel.forRange((out + together - 1) / together, part -> {
                OffHeap memory = idle.poll();
                if (memory == null) {
                    memory = OffHeap.allocate((long) together * width);
                }
                try {
                    int from = part * together;
                    int rows = Math.min(together, out - from);
                    ByteBuffer stored = memory.bytes().limit(rows * width);
                    tensor.read((long) from * width, stored);
                    float[] values = VALUES.get(in);
                    for (int row = 0; row < rows; row++) {
                        widen(stored.position(row * width), tensor.dtype(), values, 0, in);
                        body.row(from + row, values);
                    }
                } finally {
                    idle.add(memory);
                }
            });
        } finally {
            idle.forEach(OffHeap::close);
        }
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
