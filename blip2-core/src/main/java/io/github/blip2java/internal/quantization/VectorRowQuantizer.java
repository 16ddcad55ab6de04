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

    /** Fewer groups in a block are sooner searched one after the other. */
    private static final int FEWEST_GROUPS = 2;

    /** Ends that stay are moved by −0, as adding that changes no number, −0 included. */
    private static final float[] STAY_OR_MOVE = {-0f, MOVES[0], MOVES[1], MOVES[2], MOVES[3]};

    private static final int INFINITE = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);
    private static final int HIGHEST_BITS = Float.floatToRawIntBits(HIGHEST_INT4);

    private static final Scratch<float[]> TILE = Scratch.of(float[]::new);
    private static final Scratch<int[]> BITS = Scratch.of(int[]::new);

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
        int[] bits = BITS.get(2 * LANES);
        int done = 0;
        for (int first = 0; first <= whole - FEWEST_GROUPS; first += LANES) {
            int groups = Math.min(LANES, whole - first);
            fill(values, first * Int4Rows.GROUP, groups, tile);
            done = (first + groups) * Int4Rows.GROUP;
            int word = Int4Rows.firstByte(first) / Integer.BYTES;
            boolean usual = true;
            for (int lane = 0; lane < groups; lane += L) {
                usual &= block(tile, lane, words, word, bits);
            }
            if (usual) {
                int offsets = Int4Rows.blocks(n) * LANES;
                for (int group = 0; group < groups; group++) {
                    scalesOffsets[first + group] = (short) (bits[group] >>> 16);
                    scalesOffsets[offsets + first + group] = (short) (bits[LANES + group] >>> 16);
                }
            } else {
                Arrays.fill(words, word, word + Int4Rows.BLOCK_BYTES / Integer.BYTES, 0);
                int4(values, first * Int4Rows.GROUP, done, words, scalesOffsets, n);
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
     * Writes codes of L groups, and bits of their scales and offsets.
     *
     * @return false if an inverse of a scale is infinite: clamping by bits does not do for what comes of that
     */
    private static boolean block(float[] tile, int lane, int[] words, int word, int[] bits) {
        IntVector least = ordered(FloatVector.fromArray(F, tile, lane).reinterpretAsInts());
        IntVector most = least;
        for (int i = 1; i < Int4Rows.GROUP; i++) {
            IntVector key =
                    ordered(FloatVector.fromArray(F, tile, i * LANES + lane).reinterpretAsInts());
            least = least.min(key);
            most = most.max(key);
        }
        FloatVector low = ordered(least).reinterpretAsFloats();
        FloatVector high = ordered(most).reinterpretAsFloats();
        FloatVector width = high.sub(low);
        FloatVector smallest = FloatVector.broadcast(F, Float.POSITIVE_INFINITY);
        FloatVector offset = low;
        FloatVector bestScale = low;
        IntVector largest = IntVector.zero(I);
        for (int move = 0; move < STAY_OR_MOVE.length; move++) {
            FloatVector moved = bfloat16(width.mul(STAY_OR_MOVE[move]).add(low));
            FloatVector scale = bfloat16(high.sub(moved).div(HIGHEST_INT4));
            FloatVector inverse = inverse(scale);
            largest = largest.max(magnitude(inverse));
            FloatVector error = squaredError(tile, lane, moved, scale, inverse);
            VectorMask<Float> better = error.compare(VectorOperators.LT, smallest);
            smallest = smallest.blend(error, better);
            offset = offset.blend(moved, better);
            bestScale = bestScale.blend(scale, better);
        }
        for (int move = 0; move < MOVES.length; move++) {
            FloatVector moved = width.mul(MOVES[move]).add(high);
            FloatVector scale = bfloat16(moved.sub(offset).div(HIGHEST_INT4));
            FloatVector inverse = inverse(scale);
            largest = largest.max(magnitude(inverse));
            FloatVector error = squaredError(tile, lane, offset, scale, inverse);
            VectorMask<Float> better = error.compare(VectorOperators.LT, smallest);
            smallest = smallest.blend(error, better);
            bestScale = bestScale.blend(scale, better);
        }
        pack(tile, lane, offset, inverse(bestScale), words, word + lane);
        bestScale.reinterpretAsInts().intoArray(bits, lane);
        offset.reinterpretAsInts().intoArray(bits, LANES + lane);
        return largest.reduceLanes(VectorOperators.MAX) < INFINITE;
    }

    /** Whole numbers in the order of the floats with these bits, −0 below 0; and back. */
    private static IntVector ordered(IntVector bits) {
        return bits.lanewise(VectorOperators.ASHR, Integer.SIZE - 1)
                .and(Integer.MAX_VALUE)
                .lanewise(VectorOperators.XOR, bits);
    }

    private static IntVector magnitude(FloatVector v) {
        return v.reinterpretAsInts().and(Integer.MAX_VALUE);
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

    private static FloatVector squaredError(
            float[] tile, int lane, FloatVector offset, FloatVector scale, FloatVector inverse) {
        FloatVector sum = FloatVector.zero(F);
        for (int i = lane; i < Int4Rows.BLOCK; i += LANES) {
            FloatVector value = FloatVector.fromArray(F, tile, i);
            FloatVector error =
                    code(value, offset, inverse).mul(scale).add(offset).sub(value);
            sum = sum.add(error.mul(error));
        }
        return sum;
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

    private static void pack(float[] tile, int lane, FloatVector offset, FloatVector inverse, int[] words, int word) {
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
