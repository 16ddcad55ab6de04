/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.ScalarKernels.half;
import static io.github.blip2java.internal.kernel.SegmentKernels.LITTLE;
import static io.github.blip2java.internal.kernel.SegmentKernels.LONG;
import static io.github.blip2java.internal.kernel.SegmentKernels.SHORT;
import static io.github.blip2java.internal.kernel.SegmentKernels.widened;
import static io.github.blip2java.internal.kernel.VectorKernels.F;
import static io.github.blip2java.internal.kernel.VectorKernels.I;
import static io.github.blip2java.internal.kernel.VectorKernels.INFINITE_HALF;
import static io.github.blip2java.internal.kernel.VectorKernels.L;
import static io.github.blip2java.internal.kernel.VectorKernels.WHOLE_S;
import static io.github.blip2java.internal.kernel.VectorKernels.beyondHalf;
import static io.github.blip2java.internal.kernel.VectorKernels.f16;
import static io.github.blip2java.internal.kernel.VectorKernels.magnitude;
import static io.github.blip2java.internal.kernel.VectorKernels.total;

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

    static void multiply(StoredRows w, FewRows x, float[] y, int out) {
        MemorySegment bytes = MemorySegment.ofBuffer(w.bytes());
        int n = x.width;
        int rest = w.from();
        for (; x.groups() > 0 && rest <= w.to() - FewRows.WEIGHTS; rest += FewRows.WEIGHTS) {
            for (int group = 0; group < x.groups(); group++) {
                threeByFive(x, group, bytes, y, out, rest);
            }
        }
        for (int r = 0; r < x.single(); r++) {
            oneByOne(x.x, x.row(r), bytes, rest, w.to(), n, y, r * out);
        }
        for (int r = x.single(); r < x.rows; r++) {
            int o = w.from();
            if (n >= LONG) {
                float[] split = split(x.x, x.row(r), n);
                for (; o <= w.to() - GROUP; o += GROUP) {
                    fourByOne(x.x, x.row(r), split, bytes, 2L * o * n, n, y, r * out + o);
                }
            }
            oneByOne(x.x, x.row(r), bytes, o, w.to(), n, y, r * out);
        }
    }

    /**
     * Puts the even columns of a row before the odd ones, as far as whole vectors of pairs go, and scales them as
     * {@link #fourByOne} needs.
     */
    private static float[] split(float[] x, int from, int n) {
        float[] split = SPLIT.get(n);
        for (int i = 0; i <= n - 2 * L; i += 2 * L) {
            FloatVector a = FloatVector.fromArray(F, x, from + i).mul(HALF_BIAS);
            FloatVector b = FloatVector.fromArray(F, x, from + i + L).mul(HALF_BIAS);
            a.rearrange(EVEN).blend(b.rearrange(EVEN), SECOND).intoArray(split, i / 2);
            a.rearrange(ODD).blend(b.rearrange(ODD), SECOND).intoArray(split, n / 2 + i / 2);
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
        return total(s0.add(s1)) + rest(a, aOffset, b, at, i, n);
    }

    /** Columns o to o + 2 of a panel's rows: fifteen sums in registers, and each weight is widened once. */
    private static void threeByFive(FewRows x, int group, MemorySegment b, float[] y, int out, int o) {
        int n = x.width;
        int panel = x.panel(group);
        float[] a = x.panels;
        long at = 2L * n * o;
        long at1 = at + 2L * n;
        long at2 = at1 + 2L * n;
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
        FloatVector u0 = FloatVector.zero(F);
        FloatVector u1 = FloatVector.zero(F);
        FloatVector u2 = FloatVector.zero(F);
        FloatVector u3 = FloatVector.zero(F);
        FloatVector u4 = FloatVector.zero(F);
        IntVector largest = IntVector.zero(I);
        for (int i = 0; i < x.whole; i += L) {
            IntVector h0 = widened(b, at + 2L * i);
            IntVector h1 = widened(b, at1 + 2L * i);
            IntVector h2 = widened(b, at2 + 2L * i);
            largest = largest.max(magnitude(h0)).max(magnitude(h1)).max(magnitude(h2));
            FloatVector w0 = f16(h0);
            FloatVector w1 = f16(h1);
            FloatVector w2 = f16(h2);
            int j = panel + i * FewRows.GROUP;
            FloatVector z = FloatVector.fromArray(F, a, j);
            s0 = z.fma(w0, s0);
            t0 = z.fma(w1, t0);
            u0 = z.fma(w2, u0);
            z = FloatVector.fromArray(F, a, j + L);
            s1 = z.fma(w0, s1);
            t1 = z.fma(w1, t1);
            u1 = z.fma(w2, u1);
            z = FloatVector.fromArray(F, a, j + 2 * L);
            s2 = z.fma(w0, s2);
            t2 = z.fma(w1, t2);
            u2 = z.fma(w2, u2);
            z = FloatVector.fromArray(F, a, j + 3 * L);
            s3 = z.fma(w0, s3);
            t3 = z.fma(w1, t3);
            u3 = z.fma(w2, u3);
            z = FloatVector.fromArray(F, a, j + 4 * L);
            s4 = z.fma(w0, s4);
            t4 = z.fma(w1, t4);
            u4 = z.fma(w2, u4);
        }
        x.put(group, y, out, o, total(s0), total(s1), total(s2), total(s3), total(s4));
        x.put(group, y, out, o + 1, total(t0), total(t1), total(t2), total(t3), total(t4));
        x.put(group, y, out, o + 2, total(u0), total(u1), total(u2), total(u3), total(u4));
        boolean beyond = beyondHalf(largest);
        for (int r = group * FewRows.GROUP; (beyond || x.whole < n) && r < x.end(group); r++) {
            for (int q = 0; q < FewRows.WEIGHTS; q++) {
                int to = r * out + o + q;
                y[to] = beyond
                        ? rest(x.x, x.row(r), b, at + q * 2L * n, 0, n)
                        : y[to] + rest(x.x, x.row(r), b, at + q * 2L * n, x.whole, n);
            }
        }
    }

    /**
     * Four rows of the matrix at once, so that a is read once for them, and two halves of each out of one int lane, which takes
     * half the instructions of {@link #f16}. The exponent's bias is not moved here: split is scaled by one half of it and the
     * sums by the other, so that no product that matters becomes subnormal.
     */
    private static void fourByOne(
            float[] a, int aOffset, float[] split, MemorySegment b, long at, int n, float[] y, int yFrom) {
        long at1 = at + 2L * n;
        long at2 = at1 + 2L * n;
        long at3 = at2 + 2L * n;
        int odds = n / 2;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        ShortVector largest = ShortVector.zero(WHOLE_S);
        int i = 0;
        for (; i <= n / 2 - L; i += L) {
            FloatVector x = FloatVector.fromArray(F, split, i);
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
        return beyond ? rest(a, aOffset, b, at, 0, n) : total(sums) * HALF_BIAS + rest(a, aOffset, b, at, done, n);
    }

    private static float rest(float[] a, int aOffset, MemorySegment b, long at, int from, int n) {
        float sum = 0;
        for (int i = from; i < n; i++) {
            sum = Math.fma(a[aOffset + i], half(b.get(SHORT, at + 2L * i)), sum);
        }
        return sum;
    }
}
