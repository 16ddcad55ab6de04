/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

/**
 * How activations are written as bytes for products in whole numbers.
 *
 * <p>Processors without instructions for such products (x86 before VNNI) add two products of bytes in 16 bits, which overflow:
 * 2 · 255 · 127 does not fit, and signed activations are made unsigned by adding 128. 2 · 127 · 128 fits, so there
 * activations get 7 bits, and sums are exact again at the same speed.
 */
enum Int8Inputs {
    /** −127 to 127. */
    SIGNED(127, 0),

    /** −63 to 63, moved to 1 to 127. */
    MOVED(63, 64);

    private final int highest;
    private final int offset;

    Int8Inputs(int highest, int offset) {
        this.highest = highest;
        this.offset = offset;
    }

    /** The largest magnitude of a code before it is moved. */
    int highest() {
        return highest;
    }

    /** Whether the library reads codes as unsigned bytes. */
    boolean unsigned() {
        return offset != 0;
    }

    /** Bits of a code. */
    int bits() {
        return this == SIGNED ? 8 : 7;
    }

    /** Moves the first n codes to where the library takes them. */
    void move(byte[] codes, int n) {
        if (offset != 0) {
            for (int i = 0; i < n; i++) {
                codes[i] += (byte) offset;
            }
        }
    }
}
