/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;

/**
 * One loop; every thread that works on it takes the next piece until none is left.
 *
 * <p>Once it is begun nothing is allocated, as the caller must not leave before the others have.
 */
final class Loop {
    private static final int PIECES_PER_THREAD = 8;

    private final int n;
    private final int piece;
    private final IntConsumer body;
    private final Thread caller = Thread.currentThread();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger helpers = new AtomicInteger();
    private final BooleanSupplier left = () -> helpers.get() == 0;
    private volatile boolean callerSleeps;
    private boolean cancelled;
    private Throwable failure;

    Loop(int n, int threads, IntConsumer body) {
        this.n = n;
        this.body = body;
        this.piece = Math.max(1, n / (threads * PIECES_PER_THREAD));
    }

    boolean hasWork() {
        int from = next.get();
        return from >= 0 && from < n;
    }

    /** Works on the loop, as a thread of the pool. */
    void help() {
        helpers.incrementAndGet(); // before the first piece is taken: who finds none left has nothing to be waited for
        try {
            for (int from = take(); from < n; from = take()) {
                run(from);
            }
        } finally {
            if (helpers.decrementAndGet() == 0 && callerSleeps) {
                LockSupport.unpark(caller);
            }
        }
    }

    /** Works on the loop, as the thread that called for it, and may leave when it is interrupted. */
    void work() {
        for (int from = take(); from < n; from = take()) {
            if (caller.isInterrupted()) {
                cancelled = true;
                stop();
                return;
            }
            run(from);
        }
    }

    /** The first index of the next piece, n or more if there is none. */
    private int take() {
        if (!hasWork()) {
            return n;
        }
        int from = next.getAndAdd(piece);
        return from < 0 ? n : from;
    }

    private void run(int from) {
        int to = (int) Math.min(n, (long) from + piece);
        try {
            for (int i = from; i < to; i++) {
                body.accept(i);
            }
        } catch (Throwable e) {
            fail(e);
        }
    }

    private void stop() {
        next.set(n);
    }

    private synchronized void fail(Throwable e) {
        stop();
        if (failure == null) {
            failure = e;
        } else if (failure != e) {
            try {
                failure.addSuppressed(e);
            } catch (OutOfMemoryError full) {
                return; // the first one counts
            }
        }
    }

    /** Waits until nobody works on the loop any more; then what happened there happens here. */
    void await() {
        Parallel.spinUntil(left);
        if (helpers.get() > 0) {
            sleep();
        }
        Throwable failed;
        synchronized (this) {
            failed = failure;
        }
        if (failed instanceof Error error) {
            throw error;
        }
        if (failed instanceof RuntimeException exception) {
            throw exception;
        }
        if (cancelled) {
            throw new CancellationException(Parallel.INTERRUPTED);
        }
    }

    private void sleep() {
        boolean interrupted = false;
        callerSleeps = true;
        while (helpers.get() > 0) {
            LockSupport.park(this);
            // A thread that is marked as interrupted would not sleep again.
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            caller.interrupt();
        }
    }
}
