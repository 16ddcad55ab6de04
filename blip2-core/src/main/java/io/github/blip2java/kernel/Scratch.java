/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

import java.lang.reflect.Array;
import java.util.function.IntFunction;

/**
 * Working memory for one purpose, which each thread keeps and reuses. What is in an array is anything at first, and valid until
 * the same thread asks the same scratch again.
 *
 * @param <A> an array type
 */
public final class Scratch<A> {
    private final ThreadLocal<A> own = new ThreadLocal<>();
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
     * Gives this thread's array.
     *
     * @param n elements needed
     * @return an array of n elements or more
     */
    public A get(int n) {
        A array = own.get();
        if (array == null || Array.getLength(array) < n) {
            array = allocate.apply(n);
            own.set(array);
        }
        return array;
    }
}
