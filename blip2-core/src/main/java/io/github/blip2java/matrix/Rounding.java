/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.matrix;

/** Narrowing float32 to 16 bits, to the nearest and ties to even, as PyTorch does. */
final class Rounding {
    private Rounding() {}

    static short toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    static short toHalf(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        float magnitude = Math.abs(value);
        if (Float.isNaN(value)) {
            return (short) (sign | 0x7e00);
        }
        if (magnitude >= 65520f) {
            return (short) (sign | 0x7c00);
        }
        if (magnitude < 0x1p-14f) {
            // Subnormal halves are multiples of 2^-24; rint rounds ties to even.
            return (short) (sign | (int) Math.rint(magnitude * 0x1p24));
        }
        int rounded = Float.floatToRawIntBits(magnitude) + 0xfff + (bits >>> 13 & 1);
        return (short) (sign | (rounded - 0x38000000) >>> 13);
    }
}
