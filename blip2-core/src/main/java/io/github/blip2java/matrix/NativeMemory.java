/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.matrix;

import io.github.blip2java.kernel.Parallel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Working memory outside the heap, for native libraries. Lent and taken back, so that what exists is bounded by the products
 * that run at the same time and not by the threads that ever called.
 */
final class NativeMemory implements AutoCloseable {
    private static final int MOST_IDLE = 6;

    /** Floats that one thread copies at a time. */
    private static final int PIECE = 1 << 14;

    private static final List<ByteBuffer> IDLE = new ArrayList<>();

    private final ByteBuffer bytes;

    private NativeMemory(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    /** Room for n floats, whatever is in it. */
    static NativeMemory floats(int n) {
        return bytes(Math.multiplyExact(n, Float.BYTES));
    }

    /** Room for bytes, whatever is in it. */
    static NativeMemory bytes(int size) {
        synchronized (IDLE) {
            ByteBuffer fitting = IDLE.stream()
                    .filter(buffer -> buffer.capacity() >= size)
                    .min(Comparator.comparingInt(ByteBuffer::capacity))
                    .orElse(null);
            if (fitting != null) {
                IDLE.remove(fitting);
                return new NativeMemory(fitting);
            }
        }
        return new NativeMemory(ByteBuffer.allocateDirect(size));
    }

    static NativeMemory copyOf(float[] values, int n) {
        NativeMemory memory = floats(n);
        FloatBuffer floats = memory.asFloats();
        Parallel.forRange((n + PIECE - 1) / PIECE, piece -> {
            int from = piece * PIECE;
            floats.put(from, values, from, Math.min(PIECE, n - from));
        });
        return memory;
    }

    FloatBuffer asFloats() {
        return asBytes().asFloatBuffer();
    }

    ByteBuffer asBytes() {
        return bytes.duplicate().clear().order(ByteOrder.nativeOrder());
    }

    @Override
    public void close() {
        synchronized (IDLE) {
            IDLE.add(bytes);
            if (IDLE.size() > MOST_IDLE) {
                IDLE.remove(IDLE.stream()
                        .min(Comparator.comparingInt(ByteBuffer::capacity))
                        .orElseThrow());
            }
        }
    }
}
