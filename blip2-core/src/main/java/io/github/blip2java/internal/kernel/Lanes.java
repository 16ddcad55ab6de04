/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** The vectors of this processor, and how numbers of 16 bits become floats in them. */
final class Lanes {
    static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    static final VectorSpecies<Integer> I = F.vectorShape() == VectorShape.S_64_BIT
            ? IntVector.SPECIES_64
            : VectorSpecies.of(int.class, F.vectorShape());

    /** As many shorts as {@link #I} has lanes. */
    static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));

    /** As many bytes as {@link #F} has lanes, or the shortest vector there is. */
    static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, F.vectorBitSize() / 4)));

    static final VectorSpecies<Byte> WHOLE_B = VectorSpecies.of(byte.class, F.vectorShape());
    static final VectorSpecies<Short> WHOLE_S = VectorSpecies.of(short.class, F.vectorShape());

    /** Floats of a vector. */
    static final int L = F.length();

    private static final VectorShuffle<Float> SWAP_1 = swap(1);
    private static final VectorShuffle<Float> SWAP_2 = swap(2);
    private static final VectorShuffle<Float> SWAP_4 = swap(4);
    private static final VectorShuffle<Float> SWAP_8 = swap(8);

    /** Magnitude of an infinite half; NaN have larger ones. */
    private static final int INFINITE_HALF = 0x7c00;

    private Lanes() {}

    /**
     * The sum of all lanes, always in the same order: {@code reduceLanes} adds in one order while code is interpreted and in another
     * once it is compiled, so that equal calls would give other last bits.
     */
    static float total(FloatVector sums) {
        FloatVector sum = sums;
        if (L > 8) {
            sum = sum.add(sum.rearrange(SWAP_8));
        }
        if (L > 4) {
            sum = sum.add(sum.rearrange(SWAP_4));
        }
        if (L > 2) {
            sum = sum.add(sum.rearrange(SWAP_2));
        }
        return sum.add(sum.rearrange(SWAP_1)).lane(0);
    }

    /** The same for a vector in an array, where there are too many at once for the compiler; in another order. */
    static float total(float[] sums, int from) {
        float even = 0;
        float odd = 0;
        for (int i = from; i < from + L; i += 2) {
            even += sums[i];
            odd += sums[i + 1];
        }
        return even + odd;
    }

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(F, lane -> (lane ^ distance) % L);
    }

    /** L shorts, sign-extended. */
    static IntVector widened(ShortVector bits) {
        return (IntVector) bits.convertShape(VectorOperators.S2I, I, 0);
    }

    static IntVector widened(short[] bits, int from) {
        return widened(ShortVector.fromArray(S, bits, from));
    }

    static IntVector widened(Object memory, int at) {
        return widened(Mapped.shorts(memory, at));
    }

    static FloatVector bf16(IntVector bits) {
        return bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    /**
     * Sign-extended halves as floats; infinities and NaN come out finite, so callers ask {@link #beyondHalf} about them.
     *
     * <p>With 112 added to the exponent a normal half is right, n, and a subnormal one is right as 2n − 2^-14; that is the smaller
     * one of the two for a subnormal half and the larger one for any other. Scaling by 2^112 instead would take one instruction,
     * but Intel's processors take a hundred cycles for a subnormal factor, of which a row of real weights has several.
     */
    static FloatVector f16(IntVector bits) {
        IntVector shifted = bits.lanewise(VectorOperators.LSHL, 13);
        FloatVector n = shifted.and(0x0fffe000).add(112 << 23).reinterpretAsFloats();
        return n.fma(FloatVector.broadcast(F, 2f), FloatVector.broadcast(F, -0x1p-14f))
                .reinterpretAsInts()
                .min(n.reinterpretAsInts())
                .or(shifted.and(0x80000000))
                .reinterpretAsFloats();
    }

    /** Sign-extended halves as floats, infinities and NaN too, which takes three times the instructions. */
    static FloatVector f16OrInfinite(IntVector bits) {
        IntVector infinite = bits.and(0x3ff)
                .lanewise(VectorOperators.LSHL, 13)
                .or(bits.and(0x80000000))
                .or(0x7f800000);
        VectorMask<Integer> finite = magnitude(bits).compare(VectorOperators.LT, INFINITE_HALF);
        return infinite.blend(f16(bits).reinterpretAsInts(), finite).reinterpretAsFloats();
    }

    /** As whole numbers, because a maximum of floats costs several instructions. */
    static IntVector magnitude(IntVector bits) {
        return bits.and(0x7fff);
    }

    static boolean beyondHalf(IntVector largestMagnitudes) {
        return largestMagnitudes.reduceLanes(VectorOperators.MAX) >= INFINITE_HALF;
    }
}
