/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory outside the heap that the weights of one checkpoint lie in: mapped parts of files, and memory of our own for what is
 * converted. It is given back as a whole, by {@link #close} or else by whoever uses it then and leaves last; and when nothing refers to it any more. Safe for many threads.
 *
 * <p>Buffers know nothing of that: who reads one stands between {@link #enter} and {@link #leave}.
 */
public final class WeightMemory implements AutoCloseable {
    /** Added to the number of users by {@link #close}. */
    private static final long CLOSED = Long.MIN_VALUE;

    private static final Cleaner CLEANER = Cleaner.create();

    private final AtomicLong users = new AtomicLong();
    private final Held held = new Held();
    private final Cleaner.Cleanable free = CLEANER.register(this, held); // for models that nobody closes

    /** Memory of which nothing is used yet. */
    public WeightMemory() {}

    /** What is there to be freed; knows nothing of who refers to it. */
    private static final class Held implements Runnable {
        private final List<OffHeap> own = new ArrayList<>();
        private Mappings mappings;

        synchronized ByteBuffer allocate(long bytes) {
            OffHeap memory = OffHeap.allocate(bytes);
            own.add(memory);
            return memory.bytes();
        }

        synchronized ByteBuffer map(FileChannel file, long from, long bytes) throws IOException {
            if (mappings == null) {
                mappings = Mappings.open();
            }
            return mappings.map(file, from, bytes);
        }

        @Override
        public synchronized void run() {
            own.forEach(OffHeap::close);
            own.clear();
            if (mappings != null) {
                mappings.close();
                mappings = null;
            }
        }
    }

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
            free.clean();
        }
    }

    /** Refuses uses from now on, and gives all memory back once those that have begun have ended. */
    @Override
    public void close() {
        if (users.getAndUpdate(now -> now | CLOSED) == 0) {
            free.clean();
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
            return held.allocate(bytes);
        } finally {
            leave();
        }
    }

    ByteBuffer map(FileChannel file, long from, long bytes) throws IOException {
        enter();
        try {
            return held.map(file, from, bytes);
        } finally {
            leave();
        }
    }
}
