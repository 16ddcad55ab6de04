/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory outside the heap that the weights of one checkpoint lie in: mapped parts of files, and memory of our own for what is
 * converted. It is given back as a whole, by {@link #close} or else by whoever uses it then and leaves last. Safe for many threads.
 *
 * <p>Buffers know nothing of that: who reads one stands between {@link #enter} and {@link #leave}.
 */
public final class WeightMemory implements AutoCloseable {
    /** Added to the number of users by {@link #close}. */
    private static final long CLOSED = Long.MIN_VALUE;

    private final AtomicLong users = new AtomicLong();
    private final List<OffHeap> own = new ArrayList<>();
    private Mappings mappings;

    /** Memory of which nothing is used yet. */
    public WeightMemory() {}

    /**
     * Begins to use buffers of this memory.
     *
     * @throws IllegalStateException after {@link #close}
     */
    public void enter() {
        long now = users.get();
        while (now >= 0 && !users.compareAndSet(now, now + 1)) {
            now = users.get();
        }
        if (now < 0) {
            throw new IllegalStateException("model: expected an open model, got one that was closed; load it again");
        }
    }

    /** Ends what {@link #enter} began. */
    public void leave() {
        if (users.decrementAndGet() == CLOSED) {
            free();
        }
    }

    /** Refuses uses from now on, and gives all memory back once those that have begun have ended. */
    @Override
    public void close() {
        if (users.getAndUpdate(now -> now | CLOSED) == 0) {
            free();
        }
    }

    /**
     * Allocates memory that lives as long as this.
     *
     * @param bytes its size
     * @return zeros, little-endian
     * @throws OutOfMemoryError if the system gives no more
     * @throws IllegalStateException after {@link #close}
     */
    public ByteBuffer allocate(long bytes) {
        enter();
        try {
            OffHeap memory = OffHeap.allocate(bytes);
            synchronized (own) {
                own.add(memory);
            }
            return memory.bytes();
        } finally {
            leave();
        }
    }

    ByteBuffer map(FileChannel file, long from, long bytes) throws IOException {
        enter();
        try {
            synchronized (own) {
                if (mappings == null) {
                    mappings = Mappings.open();
                }
                return mappings.map(file, from, bytes);
            }
        } finally {
            leave();
        }
    }

    private void free() {
        synchronized (own) {
            own.forEach(OffHeap::close);
            own.clear();
            if (mappings != null) {
                mappings.close();
            }
        }
    }
}
