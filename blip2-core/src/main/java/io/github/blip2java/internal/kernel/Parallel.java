/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.util.ArrayDeque;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.function.Supplier;

/**
 * A pool of threads, and loops shared out among them.
 *
 * <p>{@link #call} makes a pool the one that loops of this thread are shared out in; without, it is {@link #shared()}. The calling
 * thread works too, so a pool of n has n − 1 threads of its own, loops may nest, and several threads may call at once.
 *
 * <p>A pool refers to a loop only while that runs.
 */
public final class Parallel implements AutoCloseable {
    static final String INTERRUPTED =
            "interrupted: the thread that waits for this call was interrupted, so it was given up";

    /**
     * How long a thread looks for its next loop before it sleeps: a token is hundreds of short loops, close behind each other.
     * Measured: a token of a full-size model takes 6 % (float16) to 11 % (int4) longer where threads sleep at once.
     */
    private static final long PATIENCE_NANOS = 100_000;

    /**
     * How long of this it keeps its core; afterwards it lets others have it between two looks. Where there are more threads than
     * cores, these have the work that it waits for.
     */
    private static final long EAGER_NANOS = 20_000;

    /** Loops at once that find help: with the calls at once bounded by the number of threads, nested ones included. */
    private static final int LOOPS_PER_THREAD = 8;

    private static final ThreadLocal<Binding> CURRENT = new ThreadLocal<>();

    /** What a thread computes with. */
    private record Binding(Parallel pool, Workspace workspace) {}

    /** Made when it is first asked for. */
    private static final class Shared {
        static final Parallel POOL = new Parallel(Math.max(
                1, Integer.getInteger("blip2.threads", Runtime.getRuntime().availableProcessors())));
    }

    private static volatile LoopListener listener;

    private final AtomicReferenceArray<Loop> loops;
    private final Worker[] workers;
    private final AtomicInteger asleep = new AtomicInteger();
    private final ArrayDeque<Workspace> idle = new ArrayDeque<>();
    private volatile boolean closed;

    private Parallel(int threads) {
        loops = new AtomicReferenceArray<>(threads * LOOPS_PER_THREAD);
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker();
            workers[i].start();
        }
    }

    /**
     * The pool of whoever asks for no other: as many threads as the processor has cores, or as the system property
     * {@code blip2.threads} says.
     *
     * @return one pool, for ever
     */
    public static Parallel shared() {
        return Shared.POOL;
    }

    /**
     * Starts a pool.
     *
     * @param threads 1 or more, the calling one included
     * @return a pool to be closed
     */
    public static Parallel of(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException(
                    "threads: expected 1 or more, got " + threads + "; leave it unset for all cores");
        }
        return new Parallel(threads);
    }

    /**
     * The size of this pool.
     *
     * @return threads that share a loop, the calling one included
     */
    public int size() {
        return workers.length + 1;
    }

    private static Parallel current() {
        Binding binding = CURRENT.get();
        return binding == null ? shared() : binding.pool;
    }

    static Workspace workspace() {
        Binding binding = CURRENT.get();
        return binding == null ? null : binding.workspace;
    }

    /**
     * The size of the pool that loops of this thread are shared out in.
     *
     * @return 1 or more
     */
    public static int threads() {
        return current().size();
    }

    /**
     * Does work whose loops this pool shares out, with working memory lent to the calling thread meanwhile.
     *
     * @param work what to do, on this thread
     * @param <T>  its result
     * @return what it returns
     */
    public <T> T call(Supplier<T> work) {
        Binding before = CURRENT.get();
        if (before != null && before.pool == this) {
            return work.get();
        }
        Workspace workspace = lend();
        CURRENT.set(new Binding(this, workspace));
        try {
            return work.get();
        } finally {
            if (before == null) {
                CURRENT.remove();
            } else {
                CURRENT.set(before);
            }
            takeBack(workspace);
        }
    }

    private Workspace lend() {
        Workspace workspace;
        synchronized (idle) {
            workspace = idle.pollLast();
        }
        if (workspace == null) {
            return new Workspace();
        }
        workspace.wake();
        return workspace;
    }

    private void takeBack(Workspace workspace) {
        workspace.rest();
        synchronized (idle) {
            if (idle.size() < size()) {
                idle.addLast(workspace);
            }
        }
    }

    /**
     * Runs {@code body} for every index from 0 to n − 1, in any order and on any thread, and waits for all. After a failure no
     * further indices are begun; when those that were have ended, the first exception is thrown here, with the others suppressed.
     *
     * @param n    number of indices
     * @param body what to do with each
     * @throws CancellationException if this thread is interrupted, before or meanwhile; it stays marked as interrupted
     */
    public static void forRange(int n, IntConsumer body) {
        loop(n, body, (from, to, loop) -> {
            for (int i = from; i < to && (loop == null || !loop.isStopped()); i++) {
                body.accept(i);
            }
        });
    }

    /** Work on some indices of a loop. */
    @FunctionalInterface
    public interface Ranges {
        /**
         * Works on the indices from {@code from} to {@code to - 1}.
         *
         * @param from first index
         * @param to   index after the last
         */
        void run(int from, int to);
    }

    /**
     * Does the same as {@link #forRange} for work that is quicker on several indices at once. Which ones go together is anything.
     *
     * @param n    number of indices
     * @param body what to do with some of them
     * @throws CancellationException if this thread is interrupted, before or meanwhile; it stays marked as interrupted
     */
    public static void forRanges(int n, Ranges body) {
        loop(n, body, (from, to, loop) -> {
            if (loop == null || !loop.isStopped()) {
                body.run(from, to);
            }
        });
    }

    /** Work on a piece of a loop, which is null where one thread does all. */
    @FunctionalInterface
    interface Piece {
        void run(int from, int to, Loop loop);
    }

    private static void loop(int n, Object kind, Piece body) {
        LoopListener hears = listener;
        if (hears == null) {
            loop(n, body);
        } else {
            hears.loop(n, kind, () -> loop(n, body));
        }
    }

    /**
     * Sets who hears of every loop.
     *
     * @param hears the one listener, or null for none
     */
    public static void listen(LoopListener hears) {
        listener = hears;
    }

    private static void loop(int n, Piece body) {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException(INTERRUPTED);
        }
        Parallel pool = n <= 1 ? null : current();
        if (pool != null && pool.workers.length > 0) {
            pool.share(new Loop(n, pool.size(), body), n);
        } else if (n > 0) {
            body.run(0, n, null);
        }
    }

    private void share(Loop loop, int n) {
        int place = 0;
        while (place < loops.length() && !loops.compareAndSet(place, null, loop)) {
            place++;
        }
        if (place < loops.length()) { // else all threads have enough to do
            wake(Math.min(workers.length, n - 1));
            loop.work();
            loops.set(place, null);
        } else {
            loop.work();
        }
        loop.await();
    }

    /** Makes sure that so many threads look for work. */
    private void wake(int wanted) {
        if (asleep.get() == 0) {
            return;
        }
        int missing = wanted;
        for (Worker worker : workers) {
            if (worker.state == Worker.LOOKING) {
                missing--;
            }
        }
        for (int i = 0; i < workers.length && missing > 0; i++) {
            if (workers[i].state == Worker.ASLEEP) {
                workers[i].state = Worker.LOOKING;
                LockSupport.unpark(workers[i]);
                missing--;
            }
        }
    }

    static void spinUntil(BooleanSupplier done) {
        long start = System.nanoTime();
        for (long spent = 0; spent < PATIENCE_NANOS && !done.getAsBoolean(); spent = System.nanoTime() - start) {
            if (spent < EAGER_NANOS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    /** Ends the threads when they have nothing left to do; loops go on with the calling thread alone. */
    @Override
    public void close() {
        if (this == Shared.POOL) {
            return;
        }
        closed = true;
        for (Worker worker : workers) {
            LockSupport.unpark(worker);
        }
    }

    /** A thread of the pool. */
    private final class Worker extends Thread {
        static final int BUSY = 0;
        static final int LOOKING = 1;
        static final int ASLEEP = 2;

        private final Workspace workspace = new Workspace();
        private final BooleanSupplier findsLoop = this::findsLoop;
        private volatile int state = LOOKING;
        private int place;
        private Loop found;

        Worker() {
            super(null, null, "blip2-worker", 0, false); // keeps nothing of who starts it
            setDaemon(true);
        }

        @Override
        public void run() {
            CURRENT.set(new Binding(Parallel.this, workspace));
            while (!closed) {
                state = LOOKING;
                spinUntil(findsLoop);
                if (found == null) {
                    sleep();
                } else {
                    state = BUSY;
                    help();
                }
            }
        }

        private void help() {
            Loop loop = found;
            found = null; // so that nothing refers to it afterwards
            loop.help();
        }

        /** Goes on where it found the last one, so that all loops get help. */
        private boolean findsLoop() {
            for (int i = 0; i < loops.length(); i++) {
                place = place + 1 < loops.length() ? place + 1 : 0;
                Loop loop = loops.get(place);
                if (loop != null && loop.hasWork()) {
                    found = loop;
                    return true;
                }
            }
            return false;
        }

        private void sleep() {
            workspace.rest();
            asleep.incrementAndGet();
            state = ASLEEP; // who comes with a loop from here on wakes this thread; one that came before is found now
            if (!findsLoop() && !closed) {
                LockSupport.park(Parallel.this);
            }
            asleep.decrementAndGet();
            workspace.wake();
            if (found != null) {
                state = BUSY;
                help();
            }
        }
    }
}
