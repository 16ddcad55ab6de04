/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.lang.reflect.Array;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;

/**
 * Working memory for one purpose. The array comes from the workspace that {@link Parallel} lends to a thread for a call (its own
 * threads keep one each), so that what exists is bounded by the calls at once and not by the threads that ever called. Outside
 * of any call the array is new.
 *
 * <p>What is in an array is anything at first, and valid until the same thread asks the same scratch again.
 *
 * @param <A> an array type
 */
public final class Scratch<A> {
    private static final AtomicInteger NUMBERS = new AtomicInteger();

    private final int number = NUMBERS.getAndIncrement();
    private final IntFunction<A> allocate;

    private Scratch(IntFunction<A> allocate) {
        this.allocate = allocate;
    }

    /**
     * Makes a scratch; keep it in a constant.
     *
     * @param allocate makes an array of a length, such as {@code float[]::new}
     * @param <A>      an array type
     * @return the scratch
     */
    public static <A> Scratch<A> of(IntFunction<A> allocate) {
        return new Scratch<>(allocate);
    }

    /**
     * Lends an array to this thread.
     *
     * @param n elements needed
     * @return an array of n elements or more
     */
    @SuppressWarnings("unchecked") // only this scratch puts anything under its number
    public A get(int n) {
        Workspace workspace = Parallel.workspace();
        if (workspace == null) {
            return allocate.apply(n);
        }
        A array = (A) workspace.get(number);
        if (array == null || Array.getLength(array) < n) {
            array = allocate.apply(n);
            workspace.put(number, array);
        }
        return array;
    }
}
