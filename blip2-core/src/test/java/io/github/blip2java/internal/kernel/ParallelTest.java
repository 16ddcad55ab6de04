/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.ref.WeakReference;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ParallelTest {

    @Test
    void everyIndexRunsOnce() {
        for (int n : new int[] {0, 1, 2, 3, 17, 1000, 100_001}) {
            AtomicIntegerArray runs = new AtomicIntegerArray(n);
            Parallel.forRange(n, runs::incrementAndGet);
            assertThat(IntStream.range(0, n).allMatch(i -> runs.get(i) == 1)).isTrue();
        }
    }

    @Test
    void rangesCoverEveryIndexOnce() {
        for (int n : new int[] {0, 1, 2, 3, 17, 1000, 100_001}) {
            AtomicIntegerArray runs = new AtomicIntegerArray(n);
            Parallel.forRanges(n, (from, to) -> IntStream.range(from, to).forEach(runs::incrementAndGet));
            assertThat(IntStream.range(0, n).allMatch(i -> runs.get(i) == 1)).isTrue();
        }
    }

    @Test
    void piecesFollowEachOtherAndShrinkToSingleIndices() {
        for (int threads : new int[] {1, 2, 3, 16, 64}) {
            for (int n : new int[] {1, 2, 22, 107, 257, 100_001, Integer.MAX_VALUE}) {
                int pieces = Loop.pieces(n, threads);
                int at = 0;
                int longest = Integer.MAX_VALUE;
                for (int piece = 0; piece < pieces; piece++) {
                    int to = Loop.begin(n, threads, piece + 1);
                    assertThat(Loop.begin(n, threads, piece)).isEqualTo(at);
                    assertThat(to - at).isPositive().isLessThanOrEqualTo(longest);
                    longest = to - at;
                    at = to;
                }
                assertThat(at).isEqualTo(n);
                assertThat(longest).isEqualTo(1);
                assertThat(pieces).isLessThanOrEqualTo(threads * 34);
            }
        }
    }

    @Test
    void nothingIsBegunAfterAFailureWithinAPiece() {
        try (Parallel pool = Parallel.of(2)) {
            AtomicInteger begun = new AtomicInteger();
            assertThatThrownBy(() -> pool.call(() -> {
                        Parallel.forRange(1_000_000, i -> {
                            begun.incrementAndGet();
                            throw new IllegalStateException("at " + i);
                        });
                        return null;
                    }))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(begun.get()).isLessThanOrEqualTo(2);
        }
    }

    @Test
    void aListenerRunsEveryLoop() {
        AtomicInteger heard = new AtomicInteger();
        AtomicInteger sum = new AtomicInteger();
        Parallel.listen((n, body, loop) -> {
            heard.addAndGet(n);
            assertThat(body.getClass().getName()).startsWith(ParallelTest.class.getName());
            loop.run();
        });
        try {
            Parallel.forRange(3, i -> sum.incrementAndGet());
            Parallel.forRanges(4, (from, to) -> sum.addAndGet(to - from));
        } finally {
            Parallel.listen(null);
        }
        assertThat(heard).hasValue(7);
        assertThat(sum).hasValue(7);
        Parallel.forRange(3, i -> sum.incrementAndGet());
        assertThat(heard).hasValue(7);
    }

    @Test
    void loopsNestAndCallersMix() {
        AtomicInteger sum = new AtomicInteger();
        IntStream.range(0, 8)
                .parallel()
                .forEach(caller -> Parallel.forRange(10, i -> Parallel.forRange(10, j -> sum.incrementAndGet())));
        assertThat(sum).hasValue(800);
    }

    @Test
    void failuresReachTheCallerAndThePoolGoesOn() {
        assertThatThrownBy(() -> Parallel.forRange(100, i -> {
                    if (i == 42) {
                        throw new IllegalStateException("at 42");
                    }
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("at 42");
        AtomicInteger count = new AtomicInteger();
        Parallel.forRange(100, i -> count.incrementAndGet());
        assertThat(count).hasValue(100);
    }

    @Test
    void aFailureStopsTheLoopAndTheOthersAreSuppressed() throws InterruptedException {
        try (Parallel pool = Parallel.of(2)) {
            CountDownLatch both = new CountDownLatch(2);
            AtomicInteger begun = new AtomicInteger();
            Throwable failure = catchThrowable(() -> pool.call(() -> {
                Parallel.forRange(1_000_000, i -> {
                    begun.incrementAndGet();
                    both.countDown();
                    awaitUnchecked(both); // two threads are in the loop
                    throw new IllegalStateException("at " + i);
                });
                return null;
            }));
            assertThat(failure).isInstanceOf(IllegalStateException.class).hasMessageStartingWith("at ");
            assertThat(failure.getSuppressed()).hasSize(1);
            assertThat(begun).hasValue(2);
        }
    }

    private static void awaitUnchecked(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void loopsOfACallUseItsPool() {
        try (Parallel pool = Parallel.of(3);
                Parallel single = Parallel.of(1)) {
            assertThat(pool.call(Parallel::threads)).isEqualTo(3);
            assertThat(pool.call(() -> single.call(Parallel::threads) + Parallel.threads()))
                    .isEqualTo(4);
            AtomicIntegerArray threads = new AtomicIntegerArray(64);
            pool.call(() -> {
                Parallel.forRange(64, i -> threads.set(i, Parallel.threads()));
                return null;
            });
            assertThat(IntStream.range(0, 64).map(threads::get)).containsOnly(3);
        }
        assertThat(Parallel.threads()).isEqualTo(Parallel.shared().size());
        assertThatThrownBy(() -> Parallel.of(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("threads: expected 1 or more, got 0; leave it unset for all cores");
    }

    @Test
    void aClosedPoolsThreadsEndAndItsLoopsStillRun() throws InterruptedException {
        Parallel pool = Parallel.of(4);
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        CountDownLatch all = new CountDownLatch(4);
        pool.call(() -> {
            Parallel.forRange(4, i -> {
                threads.add(Thread.currentThread());
                all.countDown();
                awaitUnchecked(all);
            });
            return null;
        });
        pool.close();
        threads.remove(Thread.currentThread());
        assertThat(threads).hasSize(3);
        for (Thread thread : threads) {
            thread.join();
        }
        AtomicInteger count = new AtomicInteger();
        pool.call(() -> {
            Parallel.forRange(100, i -> count.incrementAndGet());
            return null;
        });
        assertThat(count).hasValue(100);
    }

    @Test
    void anInterruptedCallerLeavesAndStaysInterrupted() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        AtomicInteger begun = new AtomicInteger();
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        AtomicBoolean marked = new AtomicBoolean();
        Thread caller = new Thread(() -> {
            thrown.set(catchThrowable(() -> Parallel.forRange(1_000_000, i -> {
                begun.incrementAndGet();
                inside.countDown();
                LockSupport.parkNanos(100_000);
            })));
            marked.set(Thread.currentThread().isInterrupted());
        });
        caller.start();
        inside.await();
        caller.interrupt();
        caller.join();
        assertThat(thrown.get())
                .isInstanceOf(CancellationException.class)
                .hasMessage("interrupted: the thread that waits for this call was interrupted, so it was given up");
        assertThat(marked).isTrue();
        assertThat(begun.get()).isLessThan(1_000_000);

        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() -> Parallel.forRange(1, i -> {})).isInstanceOf(CancellationException.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void whatALoopUsedIsNotKept() throws InterruptedException {
        WeakReference<int[]> used = loopOver(new int[1000]);
        for (int attempt = 0; attempt < 100 && used.get() != null; attempt++) {
            System.gc();
            Thread.sleep(10);
        }
        assertThat(used.get()).isNull();
    }

    private static WeakReference<int[]> loopOver(int[] array) {
        try (Parallel pool = Parallel.of(3)) {
            pool.call(() -> {
                Parallel.forRange(array.length, i -> array[i]++);
                return null;
            });
        }
        Parallel.forRange(array.length, i -> array[i]++);
        return new WeakReference<>(array);
    }

    @Test
    void scratchIsLentForACallAndTakenBack() {
        Scratch<float[]> scratch = Scratch.of(float[]::new);
        Scratch<float[]> other = Scratch.of(float[]::new);
        try (Parallel pool = Parallel.of(1)) {
            float[] lent = pool.call(() -> {
                float[] array = scratch.get(100);
                assertThat(scratch.get(50)).isSameAs(array);
                assertThat(other.get(50)).isNotSameAs(array).hasSize(50);
                return array;
            });
            assertThat(pool.call(() -> scratch.get(100))).isSameAs(lent);
            assertThat(pool.call(() -> scratch.get(101))).isNotSameAs(lent).hasSize(101);
        }
        // Outside of a call nobody would take it back.
        assertThat(scratch.get(10)).isNotSameAs(scratch.get(10)).hasSize(10);
    }

    @Test
    void callsAtOnceDoNotShareScratch() throws Exception {
        Scratch<float[]> scratch = Scratch.of(float[]::new);
        try (Parallel pool = Parallel.of(1)) {
            pool.call(() -> {
                float[] own = scratch.get(10);
                float[][] others = new float[1][];
                Thread thread = new Thread(() -> others[0] = pool.call(() -> scratch.get(10)));
                thread.start();
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
                assertThat(others[0]).isNotNull().isNotSameAs(own);
                return null;
            });
        }
    }
}
