/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.quantization;

import io.github.blip2java.internal.kernel.Int4Rows;
import io.github.blip2java.internal.kernel.Kernels;
import java.util.Arrays;

/**
 * Codes of one row, in plain Java: the definition, and what does the work where the Vector API is not used.
 *
 * <p>Subclasses give the same bits.
 */
class RowQuantizer {
    static final int HIGHEST_INT8 = 127;
    static final int HIGHEST_INT4 = 15;

    /** How far an end of a group's range may move, as a part of its width. Measured: finer steps gain 2 % of the error. */
    static final float[] MOVES = {-0.04f, -0.02f, 0.02f, 0.04f};

    private static final RowQuantizer CHOSEN = choose();

    static RowQuantizer get() {
        return CHOSEN;
    }

    /** By name, so that no class of the incubating module is touched where it is not readable. */
    private static RowQuantizer choose() {
        if (!Kernels.useVectorApi()) {
            return new RowQuantizer();
        }
        try {
            return (RowQuantizer) Class.forName(RowQuantizer.class.getPackageName() + ".VectorRowQuantizer")
                    .getDeclaredConstructor()
                    .newInstance();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e); // it is in this jar
        }
    }

    /**
     * Rounds to signed bytes.
     *
     * @param values  the row
     * @param n       its length
     * @param largest its largest magnitude, finite
     * @param codes   receives n codes
     * @return the scale
     */
    float int8(float[] values, int n, float largest, byte[] codes) {
        float scale = largest / HIGHEST_INT8;
        roundToBytes(values, 0, n, scale, codes);
        return scale;
    }

    final void roundToBytes(float[] values, int from, int to, float scale, byte[] codes) {
        if (scale == 0) {
            // It comes from zeros, or from weights that no float could tell from zero once multiplied.
            Arrays.fill(codes, from, to, (byte) 0);
            return;
        }
        for (int i = from; i < to; i++) {
            codes[i] = (byte) Math.max(-HIGHEST_INT8, Math.min(HIGHEST_INT8, Math.rint(values[i] / scale)));
        }
    }

    /**
     * Rounds to 4 bits.
     *
     * @param values        the row
     * @param n             its length
     * @param largest       its largest magnitude, below half the largest float, which leaves room for differences
     * @param words         receives the codes of the row's blocks as {@link Int4Rows} says
     * @param scalesOffsets receives the bfloat16 scales of the blocks' groups, then their offsets
     */
    void int4(float[] values, int n, float largest, int[] words, short[] scalesOffsets) {
        clear(n, words, scalesOffsets);
        int4(values, 0, n, words, scalesOffsets, n);
    }

    static void clear(int n, int[] words, short[] scalesOffsets) {
        int blocks = Int4Rows.blocks(n);
        Arrays.fill(words, 0, blocks * Int4Rows.BLOCK_BYTES / Integer.BYTES, 0);
        Arrays.fill(scalesOffsets, 0, blocks * Int4Rows.BLOCK_GROUPS * 2, (short) 0);
    }

    /** Adds the groups from one weight to another to a row of n that is zero there. */
    static void int4(float[] values, int begin, int end, int[] words, short[] scalesOffsets, int n) {
        for (int from = begin; from < end; from += Int4Rows.GROUP) {
            int group = from / Int4Rows.GROUP;
            int count = Math.min(Int4Rows.GROUP, end - from);
            Int4Range range = Int4Range.best(values, from, count);
            int word = Int4Rows.firstByte(group) / Integer.BYTES;
            for (int i = 0; i < count; i++) {
                words[word + i / 8 * Int4Rows.BLOCK_GROUPS] |= range.code(values[from + i]) << i % 8 * 4;
            }
            scalesOffsets[group] = Narrowing.toBfloat16(range.scale());
            scalesOffsets[Int4Rows.blocks(n) * Int4Rows.BLOCK_GROUPS + group] = Narrowing.toBfloat16(range.offset());
        }
    }

    /** Where a group's codes 0 to 15 lie; both numbers are exact in bfloat16. */
    private record Int4Range(float offset, float scale) {
        static Int4Range between(float low, float high) {
            float offset = bfloat16(low);
            return new Int4Range(offset, bfloat16((high - offset) / HIGHEST_INT4));
        }

        private static float bfloat16(float value) {
            return Float.intBitsToFloat(Narrowing.toBfloat16(value) << 16);
        }

        /** Moves the lower end of the values' range, then the upper one, to where the squared error is least. */
        static Int4Range best(float[] values, int from, int n) {
            float low = values[from];
            float high = values[from];
            for (int i = from + 1; i < from + n; i++) {
                low = Math.min(low, values[i]);
                high = Math.max(high, values[i]);
            }
            float width = high - low;
            Int4Range best = between(low, high);
            float least = best.squaredError(values, from, n);
            float bestLow = low;
            for (float move : MOVES) {
                Int4Range range = between(low + move * width, high);
                float error = range.squaredError(values, from, n);
                if (error < least) {
                    least = error;
                    best = range;
                    bestLow = low + move * width;
                }
            }
            for (float move : MOVES) {
                Int4Range range = between(bestLow, high + move * width);
                float error = range.squaredError(values, from, n);
                if (error < least) {
                    least = error;
                    best = range;
                }
            }
            return best;
        }

        private float squaredError(float[] values, int from, int n) {
            float inverse = scale == 0 ? 0 : 1 / scale;
            float sum = 0;
            for (int i = from; i < from + n; i++) {
                float error = code(values[i], inverse) * scale + offset - values[i];
                sum += error * error;
            }
            return sum;
        }

        int code(float value) {
            return code(value, scale == 0 ? 0 : 1 / scale);
        }

        private int code(float value, float inverse) {
            return (int) (Math.max(0f, Math.min(HIGHEST_INT4, (value - offset) * inverse)) + 0.5f);
        }
    }
}
