/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;

/**
 * Loops shared out among the threads of one pool.
 *
 * <p>The calling thread works too, so calls may nest, and several threads may call at once. The pool has one thread fewer
 * than the processor has cores, or than the system property {@code blip2.threads} says.
 */
public final class Parallel {
    private static final int THREADS = configuredThreads();
    private static final ExecutorService POOL = THREADS == 1
            ? null
            : new ThreadPoolExecutor(THREADS - 1, THREADS - 1, 0, TimeUnit.SECONDS, new PatientQueue(), task -> {
                Thread thread = new Thread(task, "blip2-worker");
                thread.setDaemon(true);
                return thread;
            });

    /**
     * How long a thread looks for its next loop before it sleeps: a token is hundreds of short loops, close behind each other.
     * Measured: a token of a full-size model takes 6 % (float16) to 11 % (int4) longer where threads sleep at once.
     */
    private static final long PATIENCE_NANOS = 100_000;

    private Parallel() {}

    private static int configuredThreads() {
        int cores = Runtime.getRuntime().availableProcessors();
        return Math.max(1, Integer.getInteger("blip2.threads", cores));
    }

    /**
     * Gives the number of threads that share a loop.
     *
     * @return 1 or more
     */
    public static int threads() {
        return THREADS;
    }

    /**
     * Runs {@code body} for every index from 0 to n − 1, in any order and on any thread, and waits for all.
     *
     * @param n    number of indices
     * @param body what to do with each; its first exception is thrown here once all others have ended
     */
    public static void forRange(int n, IntConsumer body) {
        if (n <= 1 || THREADS == 1) {
            for (int i = 0; i < n; i++) {
                body.accept(i);
            }
            return;
        }
        Loop loop = new Loop(n, body);
        for (int i = 1; i < Math.min(THREADS, n); i++) {
            POOL.execute(loop);
        }
        loop.run();
        loop.await();
    }

    private static void spinUntil(BooleanSupplier done) {
        long end = System.nanoTime() + PATIENCE_NANOS;
        while (!done.getAsBoolean() && System.nanoTime() - end < 0) {
            Thread.onSpinWait();
        }
    }

    /** Whoever takes from it does not sleep at once. */
    private static final class PatientQueue extends LinkedBlockingQueue<Runnable> {
        private static final long serialVersionUID = 1;

        @Override
        public Runnable take() throws InterruptedException {
            spinUntil(() -> !isEmpty());
            return super.take();
        }
    }

    /** One loop; every thread that runs it takes the next piece until none is left. */
    private static final class Loop implements Runnable {
        private static final int PIECES_PER_THREAD = 8;

        private final int n;
        private final int piece;
        private final IntConsumer body;
        private final Thread caller = Thread.currentThread();
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private volatile Throwable failure;

        Loop(int n, IntConsumer body) {
            this.n = n;
            this.body = body;
            this.piece = Math.max(1, n / (THREADS * PIECES_PER_THREAD));
        }

        @Override
        public void run() {
            for (int from = next.getAndAdd(piece); from >= 0 && from < n; from = next.getAndAdd(piece)) {
                int to = Math.min(n, from + piece);
                try {
                    for (int i = from; i < to; i++) {
                        body.accept(i);
                    }
                } catch (RuntimeException | Error e) {
                    failure = e;
                }
                if (done.addAndGet(to - from) == n) {
                    LockSupport.unpark(caller);
                }
            }
        }

        void await() {
            spinUntil(() -> done.get() == n);
            while (done.get() < n) {
                LockSupport.park(this);
            }
            if (failure instanceof Error error) {
                throw error;
            }
            if (failure instanceof RuntimeException exception) {
                throw exception;
            }
        }
    }
}
