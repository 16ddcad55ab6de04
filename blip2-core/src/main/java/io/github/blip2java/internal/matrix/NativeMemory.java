/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.OffHeap;
import io.github.blip2java.internal.kernel.Parallel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Working memory outside the heap, for native libraries. Lent and taken back, so that what exists is bounded by the products
 * that run at the same time and not by the threads that ever called; of what nobody uses {@value #MOST_IDLE} bytes are kept.
 */
public final class NativeMemory implements AutoCloseable {
    /** Input and product of a batch of pictures in a full-size model, 50 MiB each. */
    private static final long MOST_IDLE = 128L << 20;

    /** Floats that one thread copies at a time. */
    private static final int PIECE = 1 << 14;

    private static final List<OffHeap> IDLE = new ArrayList<>();

    private final OffHeap memory;

    private NativeMemory(OffHeap memory) {
        this.memory = memory;
    }

    /** Room for n floats, whatever is in it. */
    static NativeMemory floats(int n) {
        return bytes(Math.multiplyExact(n, Float.BYTES));
    }

    /** Room for bytes, whatever is in it. */
    static NativeMemory bytes(int size) {
        synchronized (IDLE) {
            OffHeap fitting = IDLE.stream()
                    .filter(memory -> memory.size() >= size)
                    .min(Comparator.comparingInt(OffHeap::size))
                    .orElse(null);
            if (fitting != null) {
                IDLE.remove(fitting);
                return new NativeMemory(fitting);
            }
        }
        return new NativeMemory(OffHeap.allocate(size));
    }

    static NativeMemory copyOf(float[] values, int n) {
        NativeMemory memory = floats(n);
        try {
            FloatBuffer floats = memory.asFloats();
            Parallel.forRange((n + PIECE - 1) / PIECE, piece -> {
                int from = piece * PIECE;
                floats.put(from, values, from, Math.min(PIECE, n - from));
            });
            return memory;
        } catch (Throwable e) {
            memory.close();
            throw e;
        }
    }

    FloatBuffer asFloats() {
        return asBytes().asFloatBuffer();
    }

    ByteBuffer asBytes() {
        return memory.bytes().order(ByteOrder.nativeOrder());
    }

    /** Takes it back; the smallest pieces go where all together are too many. */
    @Override
    public void close() {
        synchronized (IDLE) {
            IDLE.add(memory);
            while (idleBytes() > MOST_IDLE) {
                free(IDLE.stream().min(Comparator.comparingInt(OffHeap::size)).orElseThrow());
            }
        }
    }

    /**
     * What nobody uses, outside the heap.
     *
     * @return bytes
     */
    public static long idleBytes() {
        synchronized (IDLE) {
            return IDLE.stream().mapToLong(OffHeap::size).sum();
        }
    }

    /** Gives everything back that nobody uses, as when a model is closed. */
    public static void freeIdle() {
        synchronized (IDLE) {
            List.copyOf(IDLE).forEach(NativeMemory::free);
        }
    }

    private static void free(OffHeap memory) {
        IDLE.remove(memory);
        memory.close();
    }
}
