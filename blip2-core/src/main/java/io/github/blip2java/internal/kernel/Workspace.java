/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.lang.ref.SoftReference;
import java.util.Arrays;

/**
 * The arrays of every {@link Scratch} that one thread works with at a time. While nobody does, the arrays may be collected.
 */
final class Workspace {
    private static final Object[] NONE = {};

    private Object[] arrays = NONE;
    private SoftReference<Object[]> resting;

    /** The array kept under a number, or null. */
    Object get(int number) {
        return number < arrays.length ? arrays[number] : null;
    }

    void put(int number, Object array) {
        if (number >= arrays.length) {
            arrays = Arrays.copyOf(arrays, number + 1);
        }
        arrays[number] = array;
    }

    /** Nobody works with the arrays for now. */
    void rest() {
        Object[] kept = arrays;
        arrays = NONE;
        try {
            resting = new SoftReference<>(kept);
        } catch (OutOfMemoryError e) {
            resting = null; // then they are worth more to somebody else
        }
    }

    /** Takes the arrays up again, as far as they are still there. */
    void wake() {
        Object[] kept = resting == null ? null : resting.get();
        resting = null;
        arrays = kept == null ? NONE : kept;
    }
}
