/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.kernel.Parallel;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * The way into a model: as many calls compute at once as it has threads, and as their working memory fits into half the heap; a call
 * that needs more than that computes alone. The others wait, in the order they came.
 */
final class Admission {
    /** The whole of what calls at once share. */
    private static final int WHOLE = 10_000;

    private final Parallel pool;
    private final int maxWaiting;
    private final Runnable checkOpen;
    private final long budget;
    private final Semaphore shares = new Semaphore(WHOLE, true);
    private final AtomicInteger waiting = new AtomicInteger();
    private final ThreadLocal<Boolean> inside = new ThreadLocal<>();

    /**
     * Opens the way.
     *
     * @param checkOpen throws if the model is closed
     * @param heap      bytes that Java may use
     */
    Admission(Parallel pool, int maxWaiting, Runnable checkOpen, long heap) {
        this.pool = pool;
        this.maxWaiting = maxWaiting;
        this.checkOpen = checkOpen;
        this.budget = Math.max(1, heap / 2);
    }

    /**
     * Does a call's work when its turn has come. Within another call's work of the same model it is done at once.
     *
     * @param bytes about what it needs of the heap
     * @param work  what to do, with the model's threads
     * @throws IllegalStateException if the model is closed, before or while this waits
     * @throws RejectedExecutionException if too many wait already
     * @throws CancellationException if this thread is interrupted; it stays marked as interrupted
     */
    <T> T call(long bytes, Supplier<T> work) {
        checkOpen.run();
        if (inside.get() != null) {
            return work.get();
        }
        int share = share(bytes);
        acquire(share);
        try {
            checkOpen.run();
            inside.set(true);
            return pool.call(work);
        } finally {
            inside.remove();
            shares.release(share);
        }
    }

    private int share(long bytes) {
        double part = Math.min(1, (double) bytes / budget);
        return Math.max((int) Math.ceil(part * WHOLE), WHOLE / pool.size());
    }

    private void acquire(int share) {
        try {
            if (shares.tryAcquire(share, 0, TimeUnit.SECONDS)) { // unlike tryAcquire(share) it does not push in
                return;
            }
            int before = waiting.getAndIncrement();
            try {
                if (before >= maxWaiting) {
                    throw new RejectedExecutionException("model: expected at most " + maxWaiting
                            + " calls waiting for their turn, got one more; call again later, or load it with"
                            + " LoadOptions.withMaxWaiting");
                }
                shares.acquire(share);
            } finally {
                waiting.decrementAndGet();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException(
                    "interrupted: the thread that waits for its turn was interrupted, so the call was given up");
        }
    }
}
