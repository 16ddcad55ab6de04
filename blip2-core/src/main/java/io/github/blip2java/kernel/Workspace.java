/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

import java.lang.ref.SoftReference;
import java.util.Arrays;

/**
 * The arrays of every {@link Scratch} that one thread works with at a time. While nobody does, the arrays may be collected.
 */
final class Workspace {
    private Object[] arrays = {};
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
        resting = new SoftReference<>(arrays);
        arrays = new Object[0];
    }

    /** Takes the arrays up again, as far as they are still there. */
    void wake() {
        Object[] kept = resting.get();
        resting = null;
        if (kept != null) {
            arrays = kept;
        }
    }
}
