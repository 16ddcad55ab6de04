/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

/** What processors ask of their arguments. */
final class Requirement {
    private Requirement() {}

    static int atLeast(int least, String name, int value) {
        if (value < least) {
            throw new IllegalArgumentException(name + ": expected " + least + " or more, got " + value);
        }
        return value;
    }

    /** Token ids, copied. */
    static int[] ids(String name, int... ids) {
        for (int id : ids) {
            if (id < 0) {
                throw new IllegalArgumentException(
                        name + ": expected token ids of 0 or more, got " + id + "; use ids of this model's tokenizer");
            }
        }
        return ids.clone();
    }

    /** A factor; {@code advice} says which one changes nothing. */
    static double positive(String name, double value, String advice) {
        return that(value > 0 && Double.isFinite(value), name, "a number above 0", value, advice);
    }

    /** A part of a whole. */
    static double that(boolean holds, String name, String expected, double value, String advice) {
        if (!holds) {
            throw new IllegalArgumentException(name + ": expected " + expected + ", got " + value + "; " + advice);
        }
        return value;
    }
}
