/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.quantization;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Narrowing float32 to 16 bits, to the nearest and ties to even, as PyTorch does. */
public final class Narrowing {
    /** The smallest magnitude that becomes infinite as a half. */
    public static final float HALF_OVERFLOW = 65520f;

    private Narrowing() {}

    /**
     * Writes floats as weights of a type.
     *
     * @param values what to write, from index 0 on
     * @param count  how many
     * @param dtype  F32, F16 or BF16
     * @param target receives them, little-endian
     * @param at     the byte where they go; the target's position stays
     * @param tensor what they belong to, for the message
     * @throws UnsupportedModelException if a finite value would become infinite as a half
     */
    public static void put(float[] values, int count, DType dtype, ByteBuffer target, int at, String tensor) {
        switch (dtype) {
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    float value = values[i];
                    if (Math.abs(value) >= HALF_OVERFLOW && !Float.isInfinite(value)) {
                        throw new UnsupportedModelException("tensor \"" + tensor
                                + "\": expected values below 65520 for f16, got " + value + "; take bf16");
                    }
                    target.putShort(at + 2 * i, toHalf(value));
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    target.putShort(at + 2 * i, toBfloat16(values[i]));
                }
            }
            default ->
                target.duplicate()
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .position(at)
                        .asFloatBuffer()
                        .put(values, 0, count);
        }
    }

    /**
     * Narrows to bfloat16.
     *
     * @param value any float
     * @return the bits of the nearest bfloat16
     */
    public static short toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    /**
     * Narrows to IEEE half precision.
     *
     * @param value any float
     * @return the bits of the nearest half; infinite from {@link #HALF_OVERFLOW} on
     */
    public static short toHalf(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        float magnitude = Math.abs(value);
        if (Float.isNaN(value)) {
            return (short) (sign | 0x7e00);
        }
        if (magnitude >= HALF_OVERFLOW) {
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
