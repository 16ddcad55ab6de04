/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

import static io.github.blip2java.kernel.ScalarKernels.half;
import static io.github.blip2java.kernel.SegmentKernels.LITTLE;
import static io.github.blip2java.kernel.SegmentKernels.LONG;
import static io.github.blip2java.kernel.SegmentKernels.SHORT;
import static io.github.blip2java.kernel.SegmentKernels.widened;
import static io.github.blip2java.kernel.VectorKernels.F;
import static io.github.blip2java.kernel.VectorKernels.I;
import static io.github.blip2java.kernel.VectorKernels.INFINITE_HALF;
import static io.github.blip2java.kernel.VectorKernels.L;
import static io.github.blip2java.kernel.VectorKernels.WHOLE_S;
import static io.github.blip2java.kernel.VectorKernels.beyondHalf;
import static io.github.blip2java.kernel.VectorKernels.f16;
import static io.github.blip2java.kernel.VectorKernels.magnitude;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/** Products of few rows with mapped weights of IEEE half precision. */
final class SegmentF16 {
    /** Lanes 0, 2, 4 … of one vector and then of a second one. */
    private static final VectorShuffle<Float> EVEN = VectorShuffle.fromOp(F, lane -> 2 * lane % L);

    private static final VectorShuffle<Float> ODD = VectorShuffle.fromOp(F, lane -> (2 * lane + 1) % L);
    private static final VectorMask<Float> SECOND = VectorMask.fromLong(F, -1L << L / 2);

    /** Its square, 2^112, moves the bias of a half's exponent to that of a float. */
    private static final float HALF_BIAS = 0x1p56f;

    /** Rows of the matrix that are multiplied together. */
    private static final int GROUP = 4;

    private static final Scratch<float[]> SPLIT = Scratch.of(float[]::new);

    private SegmentF16() {}

    static void multiply(StoredRows w, float[] x, int rows, float[] y, int out) {
        MemorySegment bytes = MemorySegment.ofBuffer(w.bytes());
        int n = w.width();
        int fives = rows / 5 * 5;
        float[] split = n >= LONG && fives < rows ? split(x, fives, rows, n) : null;
        int o = w.from();
        for (; o <= w.to() - GROUP; o += GROUP) {
            long at = 2L * o * n;
            for (int r = 0; r < fives; r += 5) {
                twoByFive(x, r * n, bytes, at, n, y, r * out + o, out);
                twoByFive(x, r * n, bytes, at + 4L * n, n, y, r * out + o + 2, out);
            }
            for (int r = fives; r < rows; r++) {
                if (split != null) {
                    fourByOne(x, r * n, split, (r - fives) * n, bytes, at, n, y, r * out + o);
                } else {
                    oneByOne(x, r * n, bytes, o, o + GROUP, n, y, r * out);
                }
            }
        }
        for (int r = 0; r < rows; r++) {
            oneByOne(x, r * n, bytes, o, w.to(), n, y, r * out);
        }
    }

    /**
     * Puts the even columns of rows before the odd ones, as far as whole vectors of pairs go, and scales them as
     * {@link #fourByOne} needs.
     */
    private static float[] split(float[] x, int from, int to, int n) {
        float[] split = SPLIT.get((to - from) * n);
        for (int r = from; r < to; r++) {
            int evens = (r - from) * n;
            int odds = evens + n / 2;
            for (int i = 0; i <= n - 2 * L; i += 2 * L) {
                FloatVector a = FloatVector.fromArray(F, x, r * n + i).mul(HALF_BIAS);
                FloatVector b = FloatVector.fromArray(F, x, r * n + i + L).mul(HALF_BIAS);
                a.rearrange(EVEN).blend(b.rearrange(EVEN), SECOND).intoArray(split, evens + i / 2);
                a.rearrange(ODD).blend(b.rearrange(ODD), SECOND).intoArray(split, odds + i / 2);
            }
        }
        return split;
    }

    private static void oneByOne(
            float[] a, int aOffset, MemorySegment b, int from, int to, int n, float[] y, int yFrom) {
        for (int o = from; o < to; o++) {
            y[yFrom + o] = dot(a, aOffset, b, 2L * o * n, n);
        }
    }

    private static float dot(float[] a, int aOffset, MemorySegment b, long at, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        IntVector largest = IntVector.zero(I);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            IntVector h0 = widened(b, at + 2L * i);
            IntVector h1 = widened(b, at + 2L * (i + L));
            largest = largest.max(magnitude(h0)).max(magnitude(h1));
            s0 = FloatVector.fromArray(F, a, aOffset + i).fma(f16(h0), s0);
            s1 = FloatVector.fromArray(F, a, aOffset + i + L).fma(f16(h1), s1);
        }
        if (beyondHalf(largest)) {
            return rest(a, aOffset, b, at, 0, n);
        }
        return s0.add(s1).reduceLanes(VectorOperators.ADD) + rest(a, aOffset, b, at, i, n);
    }

    /** Two rows of the matrix times five of a: ten sums in registers, and each weight is widened once. */
    private static void twoByFive(float[] a, int a0, MemorySegment b, long at, int n, float[] y, int yFrom, int out) {
        long next = at + 2L * n;
        int a1 = a0 + n;
        int a2 = a1 + n;
        int a3 = a2 + n;
        int a4 = a3 + n;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        FloatVector s4 = FloatVector.zero(F);
        FloatVector t0 = FloatVector.zero(F);
        FloatVector t1 = FloatVector.zero(F);
        FloatVector t2 = FloatVector.zero(F);
        FloatVector t3 = FloatVector.zero(F);
        FloatVector t4 = FloatVector.zero(F);
        IntVector largest = IntVector.zero(I);
        int i = 0;
        for (; i <= n - L; i += L) {
            IntVector g = widened(b, at + 2L * i);
            IntVector h = widened(b, next + 2L * i);
            largest = largest.max(magnitude(g)).max(magnitude(h));
            FloatVector u = f16(g);
            FloatVector v = f16(h);
            FloatVector x = FloatVector.fromArray(F, a, a0 + i);
            s0 = x.fma(u, s0);
            t0 = x.fma(v, t0);
            x = FloatVector.fromArray(F, a, a1 + i);
            s1 = x.fma(u, s1);
            t1 = x.fma(v, t1);
            x = FloatVector.fromArray(F, a, a2 + i);
            s2 = x.fma(u, s2);
            t2 = x.fma(v, t2);
            x = FloatVector.fromArray(F, a, a3 + i);
            s3 = x.fma(u, s3);
            t3 = x.fma(v, t3);
            x = FloatVector.fromArray(F, a, a4 + i);
            s4 = x.fma(u, s4);
            t4 = x.fma(v, t4);
        }
        if (beyondHalf(largest)) {
            for (int r = 0; r < 5; r++) {
                y[yFrom + r * out] = rest(a, a0 + r * n, b, at, 0, n);
                y[yFrom + r * out + 1] = rest(a, a0 + r * n, b, next, 0, n);
            }
            return;
        }
        y[yFrom] = s0.reduceLanes(VectorOperators.ADD) + rest(a, a0, b, at, i, n);
        y[yFrom + 1] = t0.reduceLanes(VectorOperators.ADD) + rest(a, a0, b, next, i, n);
        y[yFrom + out] = s1.reduceLanes(VectorOperators.ADD) + rest(a, a1, b, at, i, n);
        y[yFrom + out + 1] = t1.reduceLanes(VectorOperators.ADD) + rest(a, a1, b, next, i, n);
        y[yFrom + 2 * out] = s2.reduceLanes(VectorOperators.ADD) + rest(a, a2, b, at, i, n);
        y[yFrom + 2 * out + 1] = t2.reduceLanes(VectorOperators.ADD) + rest(a, a2, b, next, i, n);
        y[yFrom + 3 * out] = s3.reduceLanes(VectorOperators.ADD) + rest(a, a3, b, at, i, n);
        y[yFrom + 3 * out + 1] = t3.reduceLanes(VectorOperators.ADD) + rest(a, a3, b, next, i, n);
        y[yFrom + 4 * out] = s4.reduceLanes(VectorOperators.ADD) + rest(a, a4, b, at, i, n);
        y[yFrom + 4 * out + 1] = t4.reduceLanes(VectorOperators.ADD) + rest(a, a4, b, next, i, n);
    }

    /**
     * Four rows of the matrix at once, so that a is read once for them, and two halves of each out of one int lane, which takes
     * half the instructions of {@link #f16}. The exponent's bias is not moved here: split is scaled by one half of it and the
     * sums by the other, so that no product that matters becomes subnormal.
     */
    private static void fourByOne(
            float[] a, int aOffset, float[] split, int evens, MemorySegment b, long at, int n, float[] y, int yFrom) {
        long at1 = at + 2L * n;
        long at2 = at1 + 2L * n;
        long at3 = at2 + 2L * n;
        int odds = evens + n / 2;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        ShortVector largest = ShortVector.zero(WHOLE_S);
        int i = 0;
        for (; i <= n / 2 - L; i += L) {
            FloatVector x = FloatVector.fromArray(F, split, evens + i);
            FloatVector z = FloatVector.fromArray(F, split, odds + i);
            IntVector v0 = IntVector.fromMemorySegment(I, b, at + 4L * i, LITTLE);
            IntVector v1 = IntVector.fromMemorySegment(I, b, at1 + 4L * i, LITTLE);
            IntVector v2 = IntVector.fromMemorySegment(I, b, at2 + 4L * i, LITTLE);
            IntVector v3 = IntVector.fromMemorySegment(I, b, at3 + 4L * i, LITTLE);
            largest = largest.max(v0.and(0x7fff7fff).reinterpretAsShorts())
                    .max(v1.and(0x7fff7fff).reinterpretAsShorts())
                    .max(v2.and(0x7fff7fff).reinterpretAsShorts())
                    .max(v3.and(0x7fff7fff).reinterpretAsShorts());
            s0 = x.fma(
                    v0.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 3)
                            .and(0x8fffe000)
                            .reinterpretAsFloats(),
                    s0);
            s0 = z.fma(v0.lanewise(VectorOperators.ASHR, 3).and(0x8fffe000).reinterpretAsFloats(), s0);
            s1 = x.fma(
                    v1.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 3)
                            .and(0x8fffe000)
                            .reinterpretAsFloats(),
                    s1);
            s1 = z.fma(v1.lanewise(VectorOperators.ASHR, 3).and(0x8fffe000).reinterpretAsFloats(), s1);
            s2 = x.fma(
                    v2.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 3)
                            .and(0x8fffe000)
                            .reinterpretAsFloats(),
                    s2);
            s2 = z.fma(v2.lanewise(VectorOperators.ASHR, 3).and(0x8fffe000).reinterpretAsFloats(), s2);
            s3 = x.fma(
                    v3.lanewise(VectorOperators.LSHL, 16)
                            .lanewise(VectorOperators.ASHR, 3)
                            .and(0x8fffe000)
                            .reinterpretAsFloats(),
                    s3);
            s3 = z.fma(v3.lanewise(VectorOperators.ASHR, 3).and(0x8fffe000).reinterpretAsFloats(), s3);
        }
        boolean beyond = largest.reduceLanes(VectorOperators.MAX) >= INFINITE_HALF;
        y[yFrom] = sum(s0, beyond, a, aOffset, b, at, 2 * i, n);
        y[yFrom + 1] = sum(s1, beyond, a, aOffset, b, at1, 2 * i, n);
        y[yFrom + 2] = sum(s2, beyond, a, aOffset, b, at2, 2 * i, n);
        y[yFrom + 3] = sum(s3, beyond, a, aOffset, b, at3, 2 * i, n);
    }

    private static float sum(
            FloatVector sums, boolean beyond, float[] a, int aOffset, MemorySegment b, long at, int done, int n) {
        return beyond
                ? rest(a, aOffset, b, at, 0, n)
                : sums.reduceLanes(VectorOperators.ADD) * HALF_BIAS + rest(a, aOffset, b, at, done, n);
    }

    private static float rest(float[] a, int aOffset, MemorySegment b, long at, int from, int n) {
        float sum = 0;
        for (int i = from; i < n; i++) {
            sum = Math.fma(a[aOffset + i], half(b.get(SHORT, at + 2L * i)), sum);
        }
        return sum;
    }
}
