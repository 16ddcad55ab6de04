/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A piece of memory outside the heap, from C's allocator: neither {@code -Xmx} nor {@code -XX:MaxDirectMemorySize} counts it, and
 * {@link #close} gives it back at once.
 */
public final class OffHeap implements AutoCloseable {
    private Pointer pointer;
    private final ByteBuffer bytes;

    private OffHeap(Pointer pointer, ByteBuffer bytes) {
        this.pointer = pointer;
        this.bytes = bytes;
    }

    /**
     * Allocates.
     *
     * @param size bytes; at most 2 GiB − 1, which is what a buffer can address
     * @return memory full of zeros
     * @throws OutOfMemoryError if the system gives no more
     * @throws UnsupportedModelException if it would be larger
     */
    public static OffHeap allocate(long size) {
        if (size > Integer.MAX_VALUE) {
            throw new UnsupportedModelException("memory outside the heap: expected at most " + Integer.MAX_VALUE
                    + " bytes for one tensor, got " + size + "; keep it with 16 bits or fewer");
        }
        Pointer pointer = Pointer.calloc(1, Math.max(1, size));
        if (pointer == null || pointer.isNull()) {
            throw new OutOfMemoryError("expected " + size + " bytes outside the heap, got none from the system");
        }
        return new OffHeap(pointer, view(pointer, size));
    }

    /** The memory at an address, without a cleaner and without checks beyond its size. */
    static ByteBuffer view(Pointer pointer, long size) {
        return new BytePointer(pointer).capacity(size).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * The size.
     *
     * @return bytes
     */
    public int size() {
        return bytes.capacity();
    }

    /**
     * The memory itself. It must not be touched after {@link #close}: nothing would stop that.
     *
     * @return a new view of all of it, little-endian
     */
    public ByteBuffer bytes() {
        return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Gives the memory back. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (pointer != null) {
            Pointer.free(pointer);
            pointer = null;
        }
    }
}
