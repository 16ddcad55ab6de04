/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.checkpoint.Arithmetic;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.memory.InsufficientMemoryException;

/**
 * How to load a checkpoint, and how its model works.
 *
 * @param dtype       how matrices are kept in memory; {@code AUTO} keeps them as stored.
 * @param memoryCheck whether a model that needs more memory than there is is refused ({@link InsufficientMemoryException})
 *                    rather than loaded, only to be killed by the system; checked on Linux alone
 * @param progress    hears how far loading has come
 * @param threads     threads that the model computes with; {@link #ALL_CORES} shares those of all models that say so
 * @param maxWaiting  calls that may wait for their turn, 0 or more. As many calls compute at once as the model has threads, fewer where
 *                    the heap is small; the others wait in the order they came, and one too many is a
 *                    {@link java.util.concurrent.RejectedExecutionException}
 * @param arithmetic  how products of many rows are computed; {@link Arithmetic#BF16} is refused where the processor cannot
 */
public record LoadOptions(
        WeightFormat dtype,
        boolean memoryCheck,
        ProgressListener progress,
        int threads,
        int maxWaiting,
        Arithmetic arithmetic) {

    /** As many threads as there are cores, or as the system property {@code blip2.threads} says. */
    public static final int ALL_CORES = 0;

    /**
     * Checks the numbers.
     *
     * @param dtype       how matrices are kept in memory
     * @param memoryCheck whether a model that needs more memory than there is is refused
     * @param progress    hears how far loading has come
     * @param threads     0 or more
     * @param maxWaiting  0 or more
     * @param arithmetic  how products of many rows are computed
     * @throws IllegalArgumentException if one is negative
     */
    public LoadOptions {
        if (threads < 0) {
            throw new IllegalArgumentException("threads: expected 1 or more, or 0 for all cores, got " + threads
                    + "; leave it unset for all cores");
        }
        if (maxWaiting < 0) {
            throw new IllegalArgumentException(
                    "maxWaiting: expected 0 or more, got " + maxWaiting + "; leave it unset for no limit");
        }
    }

    /**
     * The defaults: as stored, memory checked, nobody listening, all cores, any number of calls waiting, arithmetic of float32.
     *
     * @return the options
     */
    public static LoadOptions defaults() {
        return new LoadOptions(
                WeightFormat.AUTO, true, ProgressListener.NONE, ALL_CORES, Integer.MAX_VALUE, Arithmetic.F32);
    }

    /**
     * Changes how matrices are kept.
     *
     * @param value the format
     * @return new options
     */
    public LoadOptions withDtype(WeightFormat value) {
        return new LoadOptions(value, memoryCheck, progress, threads, maxWaiting, arithmetic);
    }

    /**
     * Changes whether memory is checked first.
     *
     * @param value false to load a model however little memory there is
     * @return new options
     */
    public LoadOptions withMemoryCheck(boolean value) {
        return new LoadOptions(dtype, value, progress, threads, maxWaiting, arithmetic);
    }

    /**
     * Changes who hears of progress.
     *
     * @param listener the listener
     * @return new options
     */
    public LoadOptions withProgress(ProgressListener listener) {
        return new LoadOptions(dtype, memoryCheck, listener, threads, maxWaiting, arithmetic);
    }

    /**
     * Changes how many threads the model computes with.
     *
     * @param value 1 or more, or {@link #ALL_CORES}
     * @return new options
     * @throws IllegalArgumentException if it is negative
     */
    public LoadOptions withThreads(int value) {
        return new LoadOptions(dtype, memoryCheck, progress, value, maxWaiting, arithmetic);
    }

    /**
     * Changes how many calls may wait for their turn.
     *
     * @param value 0 or more
     * @return new options
     * @throws IllegalArgumentException if it is negative
     */
    public LoadOptions withMaxWaiting(int value) {
        return new LoadOptions(dtype, memoryCheck, progress, threads, value, arithmetic);
    }

    /**
     * Changes how products of many rows are computed.
     *
     * @param value the arithmetic
     * @return new options; loading with {@link Arithmetic#BF16} is an {@link IllegalArgumentException} where no library multiplies
     *         bfloat16 natively and right on this processor
     */
    public LoadOptions withArithmetic(Arithmetic value) {
        return new LoadOptions(dtype, memoryCheck, progress, threads, maxWaiting, value);
    }
}
