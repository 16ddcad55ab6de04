/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.internal.quantization.Narrowing;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.function.IntToDoubleFunction;

/**
 * Products computed once by a library and compared with exact sums, before its results are trusted: what a library does
 * depends on the processor, its version, its environment variables, and an emulator if there is one.
 */
final class GemmCheck {
    /**
     * Rows, input features, output features: few rows and many, parts of blocks, sums longer than 512, of which some packed
     * layouts add up a part only.
     */
    private static final int[][] SHAPES = {{7, 31, 33}, {17, 1030, 70}, {64, 1408, 64}};

    /** Places that are compared in each product: exact sums are computed by the interpreter. */
    private static final int SAMPLES = 24;

    /**
     * How many numbers are drawn; those of a matrix are repetitions, as drawing and narrowing each would take the interpreter longer than
     * the rest of the check. A prime, so that no row is like another.
     */
    private static final int DRAWN = 997;

    /** Of a sum. In float32 the error stays far below in any order; narrowed inputs lose eight times as much. */
    private static final double TOLERANCE = 0x1p-16;

    private final GemmProvider provider;
    private final Random random = new Random(1);

    GemmCheck(GemmProvider provider) {
        this.provider = provider;
    }

    /** Tells whether float32 inputs are multiplied with weights of a type without being rounded first. */
    boolean isRight(DType weights) {
        for (int[] shape : SHAPES) {
            if (!isRight(weights, shape[0], shape[1], shape[2])) {
                return false;
            }
        }
        return true;
    }

    private boolean isRight(DType dtype, int rows, int in, int out) {
        float[] inputs = new float[rows * in];
        for (int i = 0; i < Math.min(DRAWN, inputs.length); i++) {
            inputs[i] = fine();
        }
        repeat(inputs, inputs.length, DRAWN);
        FloatBuffer x = direct(rows * in * Float.BYTES).asFloatBuffer().put(0, inputs);
        float[] values = weights(dtype, out * in);
        FloatBuffer y = direct(rows * out * Float.BYTES).asFloatBuffer();
        provider.multiply(x, rows, stored(values, dtype), dtype, out, in, y);
        return areSums(i -> inputs[i], values, y, rows, in, out);
    }

    /** Tells whether numbers are rounded to bfloat16 to the nearest, and then multiplied with sums of float32. */
    boolean isRightInBf16() {
        for (int[] shape : SHAPES) {
            for (DType weights : new DType[] {DType.F32, DType.F16, DType.BF16}) {
                if (!isRightInBf16(weights, shape[0], shape[1], shape[2])) {
                    return false;
                }
            }
        }
        return true;
    }

    private boolean isRightInBf16(DType dtype, int rows, int in, int out) {
        float[] inputs = manyBits(rows * in);
        float[] values = dtype == DType.F32 ? manyBits(out * in) : weights(dtype, out * in);
        ByteBuffer x = inBf16(inputs, DType.F32);
        ByteBuffer w = inBf16(values, dtype);
        if (!areRounded(inputs, x) || !areRounded(values, w)) {
            return false;
        }
        FloatBuffer y = direct(rows * out * Float.BYTES).asFloatBuffer();
        provider.multiplyBf16(x, rows, w, out, in, y);
        return areSums(i -> inputs[i], values, y, rows, in, out);
    }

    /** Positive numbers below, above and halfway between those of bfloat16. */
    private float[] manyBits(int n) {
        float[] values = new float[n];
        for (int i = 0; i < Math.min(DRAWN, n); i++) {
            values[i] = 1 + random.nextInt(1 << 9) * 0x1p-9f;
        }
        repeat(values, n, DRAWN);
        return values;
    }

    private ByteBuffer inBf16(float[] values, DType dtype) {
        ByteBuffer stored = stored(values, dtype);
        if (dtype == DType.BF16) {
            return stored;
        }
        ByteBuffer rounded = direct(values.length * DType.BF16.bytes());
        provider.roundToBf16(stored, dtype, values.length, rounded);
        return rounded;
    }

    /** Compares with the nearest bfloat16, which then takes the place of each number. */
    private static boolean areRounded(float[] values, ByteBuffer rounded) {
        for (int i = 0; i < values.length; i++) {
            short nearest = Narrowing.toBfloat16(values[i]);
            if (rounded.getShort(DType.BF16.bytes() * i) != nearest) {
                return false;
            }
            values[i] = Float.intBitsToFloat(nearest << Short.SIZE);
        }
        return true;
    }

    /** Compares some places of a product with exact sums. */
    private boolean areSums(IntToDoubleFunction x, float[] weights, FloatBuffer y, int rows, int in, int out) {
        for (int sample = 0; sample < SAMPLES; sample++) {
            int r = random.nextInt(rows);
            int o = random.nextInt(out);
            double sum = 0;
            for (int i = 0; i < in; i++) {
                sum += x.applyAsDouble(r * in + i) * weights[o * in + i];
            }
            if (!(Math.abs(y.get(r * out + o) - sum) <= TOLERANCE * sum)) {
                return false;
            }
        }
        return true;
    }

    private float[] weights(DType dtype, int n) {
        float[] values = new float[n];
        for (int i = 0; i < Math.min(DRAWN, n); i++) {
            values[i] = weight(dtype);
        }
        repeat(values, n, DRAWN);
        return values;
    }

    /** Of values that repeat after {@link #DRAWN}. */
    private static ByteBuffer stored(float[] values, DType dtype) {
        ByteBuffer bytes = direct(values.length * dtype.bytes());
        int drawn = Math.min(DRAWN, values.length);
        Narrowing.put(values, drawn, dtype, bytes, 0, "");
        byte[] all = new byte[bytes.capacity()];
        bytes.get(0, all, 0, drawn * dtype.bytes());
        repeat(all, all.length, drawn * dtype.bytes());
        return bytes.put(0, all);
    }

    /**
     * A number from 1 to 2 that bfloat16, half precision and TF32 all round down, by 2^-12. As weights are positive too, the
     * losses of a sum add up.
     */
    private float fine() {
        return 1 + random.nextInt(128) * 0x1p-7f + 0x1p-12f;
    }

    /** A positive weight that the type holds exactly; of halves one in eight is subnormal, as some in real checkpoints are. */
    private float weight(DType dtype) {
        if (dtype == DType.F16 && random.nextInt(8) == 0) {
            return (1 + random.nextInt(1023)) * 0x1p-24f;
        }
        return (dtype == DType.F32 ? fine() : 1 + random.nextInt(128) * 0x1p-7f) * 0x1p-6f;
    }

    /** Tells whether bytes are multiplied without any error, up to the largest there can be. */
    boolean isExact(Int8Inputs inputs) {
        for (int[] shape : SHAPES) {
            if (!isExact(inputs, shape[0], shape[1], shape[2])) {
                return false;
            }
        }
        return true;
    }

    private boolean isExact(Int8Inputs inputs, int rows, int in, int out) {
        byte[] codes = new byte[rows * in];
        // Where factors may change places, the first has what weights have.
        boolean either = provider.readsFirstFactorInPlace() && !inputs.unsigned();
        fill(codes, in, either ? Byte.MIN_VALUE : -inputs.highest(), inputs.highest());
        inputs.move(codes, codes.length);
        byte[] values = new byte[out * in];
        fill(values, in, Byte.MIN_VALUE, Byte.MAX_VALUE);
        ByteBuffer x = direct(codes.length).put(0, codes);
        ByteBuffer weights = direct(values.length).put(0, values);
        IntBuffer y = direct(rows * out * Integer.BYTES).asIntBuffer();
        provider.multiplyInt8(x, inputs.unsigned(), rows, weights, out, in, y);
        for (int sample = 0; sample < SAMPLES; sample++) {
            // The first places are where rows of nothing but extremes meet.
            int r = sample < 4 ? sample % 2 : random.nextInt(rows);
            int o = sample < 4 ? sample / 2 : random.nextInt(out);
            int sum = 0;
            for (int i = 0; i < in; i++) {
                sum += codes[r * in + i] * values[o * in + i];
            }
            if (y.get(r * out + o) != sum) {
                return false;
            }
        }
        return true;
    }

    /** A row of the highest, one of the lowest, then anything, half of it extremes. */
    private void fill(byte[] codes, int in, int lowest, int highest) {
        Arrays.fill(codes, 0, in, (byte) highest);
        Arrays.fill(codes, in, 2 * in, (byte) lowest);
        byte[] others = new byte[codes.length - 2 * in];
        for (int i = 0; i < Math.min(DRAWN, others.length); i++) {
            int extreme = random.nextBoolean() ? highest : lowest;
            others[i] = (byte) (random.nextBoolean() ? extreme : lowest + random.nextInt(highest - lowest + 1));
        }
        repeat(others, others.length, DRAWN);
        System.arraycopy(others, 0, codes, 2 * in, others.length);
    }

    /** Fills an array with copies of its first {@code count} elements. */
    private static void repeat(Object array, int length, int count) {
        for (int done = count; done < length; done *= 2) {
            System.arraycopy(array, 0, array, done, Math.min(done, length - done));
        }
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
