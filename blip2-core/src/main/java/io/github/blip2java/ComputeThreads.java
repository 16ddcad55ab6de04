/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.kernel.Parallel;
import java.util.function.IntConsumer;

/** The threads that a model computes with, for work beside it: a program then has no more of them than it was told to have. */
public final class ComputeThreads implements AutoCloseable {
    private final Parallel pool;

    ComputeThreads(Parallel pool) {
        this.pool = pool;
    }

    /**
     * Starts threads without a model.
     *
     * @param count how many, with the one that calls; 1 or more
     * @return threads of the caller's own, ended by {@link #close}
     */
    public static ComputeThreads of(int count) {
        return new ComputeThreads(Parallel.of(count));
    }

    /** {@return how many there are, with the one that calls} */
    public int size() {
        return pool.size();
    }

    /**
     * Shares out a loop; returns when all of it is done.
     *
     * @param n    calls of {@code body} to make, with 0 to n - 1, in any order
     * @param body the work; what it throws first is thrown here
     */
    public void forRange(int n, IntConsumer body) {
        pool.call(() -> {
            Parallel.forRange(n, body);
            return null;
        });
    }

    /** Ends the threads, unless models share them. */
    @Override
    public void close() {
        pool.close();
    }
}
