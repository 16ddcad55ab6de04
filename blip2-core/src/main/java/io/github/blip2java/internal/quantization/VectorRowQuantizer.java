/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.quantization;

import io.github.blip2java.internal.kernel.Int4Rows;
import io.github.blip2java.internal.kernel.Scratch;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Codes of one row by the Vector API, with the bits of {@link RowQuantizer}: operations and their order are the same, and nothing is fused.
 *
 * <p>For 4 bits a lane is a group, so what a lane adds up is in the order of the group, and codes come out as they are stored.
 *
 * <p>Loaded by name.
 */
final class VectorRowQuantizer extends RowQuantizer {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());

    /** As many bytes as {@link #F} has lanes, or the shortest vector there is. */
    private static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, F.vectorBitSize() / 4)));

    private static final int L = F.length();
    private static final int LANES = Int4Rows.BLOCK_GROUPS;

    /** Added to a number below 2^22, it rounds it, and leaves it in the lowest bits. */
    private static final float ROUNDER = 0x1.8p23f;

    /** Codes of smaller scales may lie beyond the range. */
    private static final float SMALLEST_SCALE = 0x1p-100f;

    /** Squared errors of larger weights may be infinite. */
    private static final float LARGEST_WEIGHT = 0x1p50f;

    /** Inverses of scales of groups of smaller weights may be infinite. */
    private static final int SMALLEST_WEIGHT = Float.floatToRawIntBits(0x1p-80f);

    /** Fewer groups in a block are sooner searched one after the other. */
    private static final int FEWEST_GROUPS = 2;

    /** Moves an end nowhere: adding it changes no number, −0 included. */
    private static final float STAY = -0f;

    private static final int HIGHEST_BITS = Float.floatToRawIntBits(HIGHEST_INT4);

    /** Where in a search's memory there is what, for each group of a block. */
    private static final int LOW = 0;

    private static final int HIGH = LANES;
    private static final int WIDTH = 2 * LANES;
    private static final int OFFSET = 3 * LANES;
    private static final int SCALE = 4 * LANES;
    private static final int ERROR = 5 * LANES;
    private static final int SEARCH = 6 * LANES;

    private static final Scratch<float[]> TILE = Scratch.of(float[]::new);
    private static final Scratch<float[]> SEARCHES = Scratch.of(float[]::new);

    @Override
    float int8(float[] values, int n, float largest, byte[] codes) {
        float scale = largest / HIGHEST_INT8;
        int i = 0;
        if (scale > SMALLEST_SCALE && B.length() == L) {
            for (; i <= n - L; i += L) {
                IntVector rounded = FloatVector.fromArray(F, values, i)
                        .div(scale)
                        .add(ROUNDER)
                        .reinterpretAsInts();
                ((ByteVector) rounded.convertShape(VectorOperators.I2B, B, 0)).intoArray(codes, i);
            }
        }
        roundToBytes(values, i, n, scale, codes);
        return scale;
    }

    @Override
    void int4(float[] values, int n, float largest, int[] words, short[] scalesOffsets) {
        if (largest > LARGEST_WEIGHT) {
            super.int4(values, n, largest, words, scalesOffsets);
            return;
        }
        clear(n, words, scalesOffsets);
        int whole = n / Int4Rows.GROUP;
        float[] tile = TILE.get(Int4Rows.BLOCK);
        float[] search = SEARCHES.get(SEARCH);
        int done = 0;
        for (int first = 0; first <= whole - FEWEST_GROUPS; first += LANES) {
            int from = first * Int4Rows.GROUP;
            int groups = Math.min(LANES, whole - first);
            done = from + groups * Int4Rows.GROUP;
            fill(values, from, groups, tile);
            if (block(tile, groups, search, words, Int4Rows.firstByte(first) / Integer.BYTES)) {
                for (int group = 0; group < groups; group++) {
                    scalesOffsets[first + group] = Narrowing.toBfloat16(search[SCALE + group]);
                    scalesOffsets[Int4Rows.blocks(n) * LANES + first + group] =
                            Narrowing.toBfloat16(search[OFFSET + group]);
                }
            } else {
                int4(values, from, done, words, scalesOffsets, n);
            }
        }
        int4(values, done, n, words, scalesOffsets, n);
    }

    /** Value i of group g goes to 16 i + g; groups that are not there are zeros, as are their codes. */
    private static void fill(float[] values, int from, int groups, float[] tile) {
        if (groups < LANES) {
            Arrays.fill(tile, 0, Int4Rows.BLOCK, 0f);
        }
        for (int group = 0; group < groups; group++) {
            int at = from + group * Int4Rows.GROUP;
            for (int i = 0; i < Int4Rows.GROUP; i++) {
                tile[i * LANES + group] = values[at + i];
            }
        }
    }

    /**
     * Searches ranges and writes codes.
     *
     * <p>What the compiler is to keep in registers is in methods of their own, with memory between them: it stops inlining in larger ones.
     *
     * @return false, and nothing is done, if numbers are so small that inverses of scales may be infinite
     */
    private static boolean block(float[] tile, int groups, float[] search, int[] words, int word) {
        boolean usual = true;
        for (int lane = 0; lane < groups; lane += L) {
            usual &= bounds(tile, lane, search);
        }
        for (int lane = 0; usual && lane < groups; lane += L) {
            attempt(tile, lane, search, LOW, STAY, STAY);
            for (float move : MOVES) {
                attempt(tile, lane, search, LOW, move, STAY);
            }
            for (float move : MOVES) {
                attempt(tile, lane, search, OFFSET, STAY, move);
            }
            pack(tile, lane, search, words, word + lane);
        }
        return usual;
    }

    /** Finds the ends of L groups; false if there are weights, and all are tiny. */
    private static boolean bounds(float[] tile, int lane, float[] search) {
        IntVector least = ordered(FloatVector.fromArray(F, tile, lane).reinterpretAsInts());
        IntVector most = least;
        for (int i = lane + LANES; i < Int4Rows.BLOCK; i += LANES) {
            IntVector key = ordered(FloatVector.fromArray(F, tile, i).reinterpretAsInts());
            least = least.min(key);
            most = most.max(key);
        }
        FloatVector low = ordered(least).reinterpretAsFloats();
        FloatVector high = ordered(most).reinterpretAsFloats();
        low.intoArray(search, LOW + lane);
        high.intoArray(search, HIGH + lane);
        high.sub(low).intoArray(search, WIDTH + lane);
        FloatVector.broadcast(F, Float.POSITIVE_INFINITY).intoArray(search, ERROR + lane);
        // One less, 0 is the largest.
        IntVector magnitude = low.reinterpretAsInts()
                .and(Integer.MAX_VALUE)
                .max(high.reinterpretAsInts().and(Integer.MAX_VALUE));
        return magnitude.add(-1).and(Integer.MAX_VALUE).reduceLanes(VectorOperators.MIN) >= SMALLEST_WEIGHT;
    }

    /** Takes a range of L groups if its squared error is less than that of those before. */
    private static void attempt(float[] tile, int lane, float[] search, int lowFrom, float lowMove, float highMove) {
        FloatVector width = FloatVector.fromArray(F, search, WIDTH + lane);
        FloatVector low = width.mul(lowMove).add(FloatVector.fromArray(F, search, lowFrom + lane));
        FloatVector high = width.mul(highMove).add(FloatVector.fromArray(F, search, HIGH + lane));
        FloatVector offset = bfloat16(low);
        FloatVector scale = bfloat16(high.sub(offset).div(HIGHEST_INT4));
        FloatVector inverse = inverse(scale);
        FloatVector error = FloatVector.zero(F);
        for (int i = lane; i < Int4Rows.BLOCK; i += LANES) {
            FloatVector value = FloatVector.fromArray(F, tile, i);
            FloatVector difference =
                    code(value, offset, inverse).mul(scale).add(offset).sub(value);
            error = error.add(difference.mul(difference));
        }
        FloatVector least = FloatVector.fromArray(F, search, ERROR + lane);
        VectorMask<Float> better = error.compare(VectorOperators.LT, least);
        least.blend(error, better).intoArray(search, ERROR + lane);
        FloatVector.fromArray(F, search, OFFSET + lane).blend(offset, better).intoArray(search, OFFSET + lane);
        FloatVector.fromArray(F, search, SCALE + lane).blend(scale, better).intoArray(search, SCALE + lane);
    }

    /** Whole numbers in the order of the floats with these bits, −0 below 0; and back. */
    private static IntVector ordered(IntVector bits) {
        return bits.lanewise(VectorOperators.ASHR, Integer.SIZE - 1)
                .and(Integer.MAX_VALUE)
                .lanewise(VectorOperators.XOR, bits);
    }

    private static FloatVector bfloat16(FloatVector v) {
        IntVector bits = v.reinterpretAsInts();
        return bits.lanewise(VectorOperators.LSHR, 16)
                .and(1)
                .add(0x7fff)
                .add(bits)
                .and(0xffff0000)
                .reinterpretAsFloats();
    }

    private static FloatVector inverse(FloatVector scale) {
        return FloatVector.broadcast(F, 1f).div(scale).blend(0f, scale.compare(VectorOperators.EQ, 0f));
    }

    /**
     * Rounded down after a half was added. Clamped as whole numbers, because a maximum of floats costs several instructions; a float
     * becomes a whole number by an addition, because converting it would have to mind NaN.
     */
    private static FloatVector code(FloatVector value, FloatVector offset, FloatVector inverse) {
        FloatVector raised = value.sub(offset)
                .mul(inverse)
                .reinterpretAsInts()
                .max(0)
                .min(HIGHEST_BITS)
                .reinterpretAsFloats()
                .add(0.5f);
        FloatVector nearest = raised.add(ROUNDER).sub(ROUNDER);
        return nearest.sub(1f, nearest.compare(VectorOperators.GT, raised));
    }

    private static void pack(float[] tile, int lane, float[] search, int[] words, int word) {
        FloatVector offset = FloatVector.fromArray(F, search, OFFSET + lane);
        FloatVector inverse = inverse(FloatVector.fromArray(F, search, SCALE + lane));
        for (int v = 0; v < Int4Rows.WORDS; v++) {
            IntVector packed = IntVector.zero(I);
            for (int i = 7; i >= 0; i--) {
                FloatVector value = FloatVector.fromArray(F, tile, (8 * v + i) * LANES + lane);
                IntVector code = code(value, offset, inverse)
                        .add(ROUNDER)
                        .reinterpretAsInts()
                        .and(HIGHEST_INT4);
                packed = packed.lanewise(VectorOperators.LSHL, 4).or(code);
            }
            packed.intoArray(words, word + v * LANES);
        }
    }
}
