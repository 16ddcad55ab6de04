/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.blip2java.internal.kernel.Parallel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AdmissionTest {
    private static final long HEAP = 1000;

    private final Parallel pool = Parallel.of(2);
    private final AtomicBoolean closed = new AtomicBoolean();
    private final CountDownLatch end = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();

    private Admission admission(int maxWaiting) {
        return new Admission(
                pool,
                maxWaiting,
                () -> {
                    if (closed.get()) {
                        throw new IllegalStateException("closed");
                    }
                },
                HEAP);
    }

    @AfterEach
    void finish() throws InterruptedException {
        end.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        pool.close();
    }

    private Thread start(Runnable run) {
        Thread thread = new Thread(run);
        thread.start();
        threads.add(thread);
        return thread;
    }

    /** A call that computes until the test ends. */
    private void occupy(Admission admission, long bytes) throws InterruptedException {
        CountDownLatch inside = new CountDownLatch(1);
        start(() -> admission.call(bytes, () -> {
            inside.countDown();
            return await(end);
        }));
        inside.await();
    }

    private static Void await(CountDownLatch latch) {
        try {
            latch.await();
            return null;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitWaiting(Thread thread) throws InterruptedException {
        while (thread.getState() != Thread.State.WAITING) {
            Thread.sleep(1);
        }
    }

    @Test
    void asManyComputeAtOnceAsThereAreThreads() throws InterruptedException {
        Admission admission = admission(100);
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        for (int i = 0; i < 20; i++) {
            start(() -> admission.call(1, () -> {
                most.accumulateAndGet(now.incrementAndGet(), Math::max);
                Thread.yield();
                return now.decrementAndGet();
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(most.get()).isBetween(1, 2);
        occupy(admission, 1);
        occupy(admission, 1); // two at once do not wait for each other
    }

    @Test
    void largeCallsComputeAlone() throws InterruptedException {
        Admission admission = admission(100);
        occupy(admission, 1);
        AtomicBoolean done = new AtomicBoolean();
        Thread large = start(() -> admission.call(100 * HEAP, () -> {
            done.set(true);
            return null;
        }));
        awaitWaiting(large);
        assertThat(done).isFalse();
        end.countDown();
        large.join();
        assertThat(done).isTrue();
    }

    @Test
    void theOthersWaitInTheOrderTheyCame() throws InterruptedException {
        Admission admission = admission(100);
        occupy(admission, HEAP);
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 10; i++) {
            int number = i;
            awaitWaiting(start(() -> admission.call(HEAP, () -> order.add(number))));
        }
        end.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(order).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    @Test
    void oneTooManyIsRefused() throws InterruptedException {
        Admission admission = admission(1);
        occupy(admission, HEAP);
        awaitWaiting(start(() -> admission.call(1, () -> null)));
        assertThatThrownBy(() -> admission.call(1, () -> null))
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessage(
                        "model: expected at most 1 calls waiting for their turn, got one more; call again later, or load"
                                + " it with LoadOptions.withMaxWaiting");
        end.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(admission.call(1, () -> "there is room again")).isNotNull();
    }

    @Test
    void whoWaitsCanBeInterrupted() throws InterruptedException {
        Admission admission = admission(100);
        occupy(admission, HEAP);
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        AtomicBoolean marked = new AtomicBoolean();
        Thread waiting = start(() -> {
            thrown.set(catchThrowable(() -> admission.call(1, () -> null)));
            marked.set(Thread.currentThread().isInterrupted());
        });
        awaitWaiting(waiting);
        waiting.interrupt();
        waiting.join();
        assertThat(thrown.get())
                .isInstanceOf(CancellationException.class)
                .hasMessage(
                        "interrupted: the thread that waits for its turn was interrupted, so the call was given up");
        assertThat(marked).isTrue();
    }

    @Test
    void whoWaitsIsRefusedOnceTheModelIsClosed() throws InterruptedException {
        Admission admission = admission(100);
        occupy(admission, HEAP);
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread waiting = start(() -> thrown.set(catchThrowable(() -> admission.call(1, () -> null))));
        awaitWaiting(waiting);
        closed.set(true);
        end.countDown();
        waiting.join();
        assertThat(thrown.get()).isInstanceOf(IllegalStateException.class).hasMessage("closed");
        assertThatThrownBy(() -> admission.call(1, () -> null)).hasMessage("closed");
    }

    @Test
    void aCallWithinACallDoesNotWait() {
        Admission admission = admission(0);
        assertThat(admission.call(HEAP, () -> admission.call(HEAP, Parallel::threads)))
                .isEqualTo(2);
        assertThatThrownBy(() -> admission.call(1, () -> {
                    throw new IllegalArgumentException("wrong");
                }))
                .hasMessage("wrong");
        assertThat(admission.call(HEAP, () -> "a failure gives its share back")).isNotNull();
    }

    @Test
    void optionsAreChecked() {
        LoadOptions options = LoadOptions.defaults();
        assertThat(options.withThreads(3).withMaxWaiting(5).threads()).isEqualTo(3);
        assertThat(options.withThreads(3).withMaxWaiting(5).maxWaiting()).isEqualTo(5);
        assertThatThrownBy(() -> options.withThreads(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("threads: expected 1 or more, or 0 for all cores, got -1; leave it unset for all cores");
        assertThatThrownBy(() -> options.withMaxWaiting(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("maxWaiting: expected 0 or more, got -1; leave it unset for no limit");
    }
}
