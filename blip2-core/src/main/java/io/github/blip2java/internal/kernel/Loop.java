/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * One loop; every thread that works on it takes the next piece until none is left.
 *
 * <p>Pieces become smaller: every thread gets an even share of half of the loop, then of half of what is left, and so on down to
 * single indices. So threads read long stretches and still end together, whether or not all of them have a core. Reference:
 * Hummel, Schonberg and Flynn 1992, Factoring: a method for scheduling parallel loops.
 *
 * <p>Once it is begun nothing is allocated, as the caller must not leave before the others have.
 */
final class Loop {
    private final int n;
    private final int threads;
    private final int pieces;
    private final Parallel.Piece body;
    private final Thread caller = Thread.currentThread();
    private final AtomicInteger taken = new AtomicInteger();
    private final AtomicInteger helpers = new AtomicInteger();
    private final BooleanSupplier left = () -> helpers.get() == 0;
    private volatile boolean callerSleeps;
    private volatile boolean stopped;
    private boolean cancelled;
    private Throwable failure;

    Loop(int n, int threads, Parallel.Piece body) {
        this.n = n;
        this.threads = threads;
        this.pieces = pieces(n, threads);
        this.body = body;
    }

    boolean hasWork() {
        return taken.get() < pieces;
    }

    /** Works on the loop, as a thread of the pool. */
    void help() {
        helpers.incrementAndGet(); // before the first piece is taken: who finds none left has nothing to be waited for
        try {
            work();
        } finally {
            if (helpers.decrementAndGet() == 0 && callerSleeps) {
                LockSupport.unpark(caller);
            }
        }
    }

    /** Takes pieces until none is left. */
    void work() {
        while (hasWork()) {
            int piece = taken.getAndIncrement();
            if (piece >= pieces) {
                return;
            }
            run(begin(n, threads, piece), begin(n, threads, piece + 1));
        }
    }

    /** How many pieces there are. */
    static int pieces(int n, int threads) {
        int pieces = 0;
        for (int left = n; left > 0; ) {
            int length = length(left, threads);
            int round = Math.min(threads, (left - 1) / length + 1);
            pieces += round;
            left -= round * length;
        }
        return pieces;
    }

    /** Where a piece begins; n for the one after the last. */
    static int begin(int n, int threads, int piece) {
        int left = n;
        int later = piece;
        for (; later >= threads; later -= threads) {
            left -= Math.min(left, threads * length(left, threads));
        }
        return n - left + Math.min(left, later * length(left, threads));
    }

    private static int length(int left, int threads) {
        return Math.max(1, (int) ((left + 2L * threads - 1) / (2L * threads)));
    }

    private void run(int from, int to) {
        try {
            body.run(from, to, this);
        } catch (Throwable e) {
            fail(e);
        }
    }

    /** Whether no further index is to be begun, after a failure or when the caller, who asks, was interrupted. */
    boolean isStopped() {
        if (!stopped && Thread.currentThread() == caller && caller.isInterrupted()) {
            cancelled = true;
            stop();
        }
        return stopped;
    }

    private void stop() {
        stopped = true;
        taken.set(pieces);
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
