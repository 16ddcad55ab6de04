/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Products of few rows that read the weights where they are mapped, which Java 22 and newer allow.
 *
 * <p>Measured: one row runs as fast as memory is read, twice as fast as with rows copied to the heap first.
 */
final class SegmentKernels extends VectorKernels {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE);

    /**
     * From this length on a row of x and one of weights do not fit the nearest cache together, so x is read once for several
     * rows of weights. Measured: such products take half the time; with shorter rows, whose weights lie closer together, they
     * would take longer.
     */
    private static final int LONG = 5120;

    private static final int FOUR = 4;
    private static final int EIGHT = 8;

    /** Lanes 0, 2, 4 … of one vector and then of a second one. */
    private static final VectorShuffle<Float> EVEN = VectorShuffle.fromOp(F, lane -> 2 * lane % L);

    private static final VectorShuffle<Float> ODD = VectorShuffle.fromOp(F, lane -> (2 * lane + 1) % L);
    private static final VectorMask<Float> SECOND =
            VectorMask.fromLong(F, -1L << L / 2 & (L == 64 ? -1L : (1L << L) - 1));

    /** Its square, 2^112, moves the bias of a half's exponent to that of a float. */
    private static final float F16_HALF_BIAS = 0x1p56f;

    private static final Scratch<float[]> SPLIT = Scratch.of(float[]::new);

    @Override
    public void multiplyF32(StoredRows w, float[] x, int rows, float[] y, int out) {
        MemorySegment bytes = MemorySegment.ofBuffer(w.bytes());
        int n = w.width();
        for (int o = w.from(); o < w.to(); o++) {
            for (int r = 0; r < rows; r++) {
                y[r * out + o] = dotF32(x, r * n, bytes, 4L * o * n, n);
            }
        }
    }

    @Override
    public void multiplyF16(StoredRows w, float[] x, int rows, float[] y, int out) {
        MemorySegment bytes = MemorySegment.ofBuffer(w.bytes());
        int n = w.width();
        int fives = rows / 5 * 5;
        float[] split = n >= LONG && fives < rows ? split(x, fives, rows, n) : null;
        int o = w.from();
        for (; o <= w.to() - FOUR; o += FOUR) {
            long at = 2L * o * n;
            for (int r = 0; r < fives; r += 5) {
                dotF16TwoByFive(x, r * n, bytes, at, n, y, r * out + o, out);
                dotF16TwoByFive(x, r * n, bytes, at + 4L * n, n, y, r * out + o + 2, out);
            }
            for (int r = fives; r < rows; r++) {
                if (split != null) {
                    dotF16FourByOne(x, r * n, split, (r - fives) * n, bytes, at, n, y, r * out + o);
                } else {
                    dotsF16(x, r * n, bytes, o, o + FOUR, n, y, r * out);
                }
            }
        }
        for (int r = 0; r < rows; r++) {
            dotsF16(x, r * n, bytes, o, w.to(), n, y, r * out);
        }
    }

    /**
     * Puts the even columns of rows before the odd ones, as far as whole vectors of pairs go, and scales them as
     * {@link #dotF16FourByOne} needs.
     */
    private static float[] split(float[] x, int from, int to, int n) {
        float[] split = SPLIT.get((to - from) * n);
        for (int r = from; r < to; r++) {
            int evens = (r - from) * n;
            int odds = evens + n / 2;
            for (int i = 0; i <= n - 2 * L; i += 2 * L) {
                FloatVector a = FloatVector.fromArray(F, x, r * n + i).mul(F16_HALF_BIAS);
                FloatVector b = FloatVector.fromArray(F, x, r * n + i + L).mul(F16_HALF_BIAS);
                a.rearrange(EVEN).blend(b.rearrange(EVEN), SECOND).intoArray(split, evens + i / 2);
                a.rearrange(ODD).blend(b.rearrange(ODD), SECOND).intoArray(split, odds + i / 2);
            }
        }
        return split;
    }

    private static void dotsF16(
            float[] a, int aOffset, MemorySegment b, int from, int to, int n, float[] y, int yFrom) {
        for (int o = from; o < to; o++) {
            y[yFrom + o] = dotF16(a, aOffset, b, 2L * o * n, n);
        }
    }

    @Override
    public void multiplyBf16(StoredRows w, float[] x, int rows, float[] y, int out) {
        MemorySegment bytes = MemorySegment.ofBuffer(w.bytes());
        int n = w.width();
        int fives = rows / 5 * 5;
        int o = w.from();
        for (; o <= w.to() - FOUR; o += FOUR) {
            for (int r = 0; r < fives; r += 5) {
                for (int pair = o; pair < o + FOUR; pair += 2) {
                    dotBf16TwoByFive(x, r * n, bytes, 2L * pair * n, n, y, r * out + pair, out);
                }
            }
            for (int r = fives; r < rows; r++) {
                if (n >= LONG) {
                    dotBf16FourByOne(x, r * n, bytes, 2L * o * n, n, y, r * out + o);
                } else {
                    dotsBf16(x, r * n, bytes, o, o + FOUR, n, y, r * out);
                }
            }
        }
        for (int r = 0; r < rows; r++) {
            dotsBf16(x, r * n, bytes, o, w.to(), n, y, r * out);
        }
    }

    private static void dotsBf16(
            float[] a, int aOffset, MemorySegment b, int from, int to, int n, float[] y, int yFrom) {
        for (int o = from; o < to; o++) {
            y[yFrom + o] = dotBf16(a, aOffset, b, 2L * o * n, n);
        }
    }

    @Override
    public void multiplyInt8(StoredRows w, float[] scales, float[] x, int rows, float[] y, int out) {
        MemorySegment codes = MemorySegment.ofBuffer(w.bytes());
        int n = w.width();
        for (int r = 0; r < rows; r++) {
            int o = w.from();
            for (; o <= w.to() - EIGHT && n >= LONG; o += EIGHT) {
                dotInt8EightByOne(x, r * n, codes, (long) o * n, n, y, r * out + o);
            }
            for (; o < w.to(); o++) {
                y[r * out + o] = dotInt8(x, r * n, codes, (long) o * n, n);
            }
            for (o = w.from(); o < w.to(); o++) {
                y[r * out + o] *= scales[o];
            }
        }
    }

    @Override
    public void multiplyInt4(StoredInt4Rows w, Int4Activations x, int rows, float[] y, int out) {
        MemorySegment codes = MemorySegment.ofBuffer(w.codes());
        MemorySegment scalesOffsets = MemorySegment.ofBuffer(w.scalesOffsets());
        for (int o = w.from(); o < w.to(); o++) {
            for (int r = 0; r < rows; r++) {
                y[r * out + o] = dotInt4(x, r, codes, scalesOffsets, o, w.blocks());
            }
        }
    }

    private static float dotF32(float[] a, int aOffset, MemorySegment b, long at, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            s0 = FloatVector.fromArray(F, a, aOffset + i)
                    .fma(FloatVector.fromMemorySegment(F, b, at + 4L * i, LITTLE), s0);
            s1 = FloatVector.fromArray(F, a, aOffset + i + L)
                    .fma(FloatVector.fromMemorySegment(F, b, at + 4L * (i + L), LITTLE), s1);
        }
        float sum = s0.add(s1).reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) {
            sum = Math.fma(a[aOffset + i], b.get(FLOAT, at + 4L * i), sum);
        }
        return sum;
    }

    private static float dotF16(float[] a, int aOffset, MemorySegment b, long at, int n) {
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
            return restF16(a, aOffset, b, at, 0, n);
        }
        return s0.add(s1).reduceLanes(VectorOperators.ADD) + restF16(a, aOffset, b, at, i, n);
    }

    /** Two rows of the matrix times five of a: ten sums in registers, and each weight is widened once. */
    private static void dotF16TwoByFive(
            float[] a, int a0, MemorySegment b, long at, int n, float[] y, int yFrom, int out) {
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
                y[yFrom + r * out] = restF16(a, a0 + r * n, b, at, 0, n);
                y[yFrom + r * out + 1] = restF16(a, a0 + r * n, b, next, 0, n);
            }
            return;
        }
        y[yFrom] = s0.reduceLanes(VectorOperators.ADD) + restF16(a, a0, b, at, i, n);
        y[yFrom + 1] = t0.reduceLanes(VectorOperators.ADD) + restF16(a, a0, b, next, i, n);
        y[yFrom + out] = s1.reduceLanes(VectorOperators.ADD) + restF16(a, a1, b, at, i, n);
        y[yFrom + out + 1] = t1.reduceLanes(VectorOperators.ADD) + restF16(a, a1, b, next, i, n);
        y[yFrom + 2 * out] = s2.reduceLanes(VectorOperators.ADD) + restF16(a, a2, b, at, i, n);
        y[yFrom + 2 * out + 1] = t2.reduceLanes(VectorOperators.ADD) + restF16(a, a2, b, next, i, n);
        y[yFrom + 3 * out] = s3.reduceLanes(VectorOperators.ADD) + restF16(a, a3, b, at, i, n);
        y[yFrom + 3 * out + 1] = t3.reduceLanes(VectorOperators.ADD) + restF16(a, a3, b, next, i, n);
        y[yFrom + 4 * out] = s4.reduceLanes(VectorOperators.ADD) + restF16(a, a4, b, at, i, n);
        y[yFrom + 4 * out + 1] = t4.reduceLanes(VectorOperators.ADD) + restF16(a, a4, b, next, i, n);
    }

    /**
     * Four rows of the matrix at once, so that a is read once for them, and two halves of each out of one int lane, which takes
     * half the instructions of {@link #f16}. The exponent's bias is not moved here: split is scaled by one half of it and the
     * sums by the other, so that no product that matters becomes subnormal.
     */
    private static void dotF16FourByOne(
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
        y[yFrom] = f16Sum(s0, beyond, a, aOffset, b, at, 2 * i, n);
        y[yFrom + 1] = f16Sum(s1, beyond, a, aOffset, b, at1, 2 * i, n);
        y[yFrom + 2] = f16Sum(s2, beyond, a, aOffset, b, at2, 2 * i, n);
        y[yFrom + 3] = f16Sum(s3, beyond, a, aOffset, b, at3, 2 * i, n);
    }

    private static float f16Sum(
            FloatVector sums, boolean beyond, float[] a, int aOffset, MemorySegment b, long at, int done, int n) {
        return beyond
                ? restF16(a, aOffset, b, at, 0, n)
                : sums.reduceLanes(VectorOperators.ADD) * F16_HALF_BIAS + restF16(a, aOffset, b, at, done, n);
    }

    private static float restF16(float[] a, int aOffset, MemorySegment b, long at, int from, int n) {
        float sum = 0;
        for (int i = from; i < n; i++) {
            sum = Math.fma(a[aOffset + i], half(b.get(SHORT, at + 2L * i)), sum);
        }
        return sum;
    }

    private static float dotBf16(float[] a, int aOffset, MemorySegment b, long at, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            s0 = FloatVector.fromArray(F, a, aOffset + i).fma(bf16(widened(b, at + 2L * i)), s0);
            s1 = FloatVector.fromArray(F, a, aOffset + i + L).fma(bf16(widened(b, at + 2L * (i + L))), s1);
        }
        return s0.add(s1).reduceLanes(VectorOperators.ADD) + restBf16(a, aOffset, b, at, i, n);
    }

    /** Two rows of the matrix times five of a: ten sums in registers, and each weight is widened once. */
    private static void dotBf16TwoByFive(
            float[] a, int a0, MemorySegment b, long at, int n, float[] y, int yFrom, int out) {
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
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector u = bf16(widened(b, at + 2L * i));
            FloatVector v = bf16(widened(b, next + 2L * i));
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
        y[yFrom] = s0.reduceLanes(VectorOperators.ADD) + restBf16(a, a0, b, at, i, n);
        y[yFrom + 1] = t0.reduceLanes(VectorOperators.ADD) + restBf16(a, a0, b, next, i, n);
        y[yFrom + out] = s1.reduceLanes(VectorOperators.ADD) + restBf16(a, a1, b, at, i, n);
        y[yFrom + out + 1] = t1.reduceLanes(VectorOperators.ADD) + restBf16(a, a1, b, next, i, n);
        y[yFrom + 2 * out] = s2.reduceLanes(VectorOperators.ADD) + restBf16(a, a2, b, at, i, n);
        y[yFrom + 2 * out + 1] = t2.reduceLanes(VectorOperators.ADD) + restBf16(a, a2, b, next, i, n);
        y[yFrom + 3 * out] = s3.reduceLanes(VectorOperators.ADD) + restBf16(a, a3, b, at, i, n);
        y[yFrom + 3 * out + 1] = t3.reduceLanes(VectorOperators.ADD) + restBf16(a, a3, b, next, i, n);
        y[yFrom + 4 * out] = s4.reduceLanes(VectorOperators.ADD) + restBf16(a, a4, b, at, i, n);
        y[yFrom + 4 * out + 1] = t4.reduceLanes(VectorOperators.ADD) + restBf16(a, a4, b, next, i, n);
    }

    /** Four rows of the matrix at once, so that a is read once for them. */
    private static void dotBf16FourByOne(
            float[] a, int aOffset, MemorySegment b, long at, int n, float[] y, int yFrom) {
        long row = 2L * n;
        MemorySegment b0 = b.asSlice(at, row);
        MemorySegment b1 = b.asSlice(at + row, row);
        MemorySegment b2 = b.asSlice(at + 2 * row, row);
        MemorySegment b3 = b.asSlice(at + 3 * row, row);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector x = FloatVector.fromArray(F, a, aOffset + i);
            s0 = x.fma(bf16(widened(b0, 2L * i)), s0);
            s1 = x.fma(bf16(widened(b1, 2L * i)), s1);
            s2 = x.fma(bf16(widened(b2, 2L * i)), s2);
            s3 = x.fma(bf16(widened(b3, 2L * i)), s3);
        }
        y[yFrom] = s0.reduceLanes(VectorOperators.ADD);
        y[yFrom + 1] = s1.reduceLanes(VectorOperators.ADD);
        y[yFrom + 2] = s2.reduceLanes(VectorOperators.ADD);
        y[yFrom + 3] = s3.reduceLanes(VectorOperators.ADD);
        for (int o = 0; i < n && o < FOUR; o++) {
            y[yFrom + o] += restBf16(a, aOffset, b, at + o * row, i, n);
        }
    }

    private static float restBf16(float[] a, int aOffset, MemorySegment b, long at, int from, int n) {
        float sum = 0;
        for (int i = from; i < n; i++) {
            sum = Math.fma(a[aOffset + i], Float.intBitsToFloat(b.get(SHORT, at + 2L * i) << 16), sum);
        }
        return sum;
    }

    private static float dotInt8(float[] a, int aOffset, MemorySegment b, long at, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        int i = 0;
        // A load of bytes may be longer than L; what it reads too much must still be in the row.
        for (; i <= n - Math.max(4 * L, 3 * L + B.length()); i += 4 * L) {
            s0 = int8(b, at + i).fma(FloatVector.fromArray(F, a, aOffset + i), s0);
            s1 = int8(b, at + i + L).fma(FloatVector.fromArray(F, a, aOffset + i + L), s1);
            s2 = int8(b, at + i + 2 * L).fma(FloatVector.fromArray(F, a, aOffset + i + 2 * L), s2);
            s3 = int8(b, at + i + 3 * L).fma(FloatVector.fromArray(F, a, aOffset + i + 3 * L), s3);
        }
        float sum = s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD);
        return sum + restInt8(a, aOffset, b, at, i, n);
    }

    /** Eight rows of the matrix at once, so that a is read once for them. */
    private static void dotInt8EightByOne(
            float[] a, int aOffset, MemorySegment b, long at, int n, float[] y, int yFrom) {
        long row = n;
        MemorySegment b0 = b.asSlice(at, row);
        MemorySegment b1 = b.asSlice(at + row, row);
        MemorySegment b2 = b.asSlice(at + 2 * row, row);
        MemorySegment b3 = b.asSlice(at + 3 * row, row);
        MemorySegment b4 = b.asSlice(at + 4 * row, row);
        MemorySegment b5 = b.asSlice(at + 5 * row, row);
        MemorySegment b6 = b.asSlice(at + 6 * row, row);
        MemorySegment b7 = b.asSlice(at + 7 * row, row);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        FloatVector s4 = FloatVector.zero(F);
        FloatVector s5 = FloatVector.zero(F);
        FloatVector s6 = FloatVector.zero(F);
        FloatVector s7 = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - B.length(); i += L) {
            FloatVector x = FloatVector.fromArray(F, a, aOffset + i);
            s0 = x.fma(int8(b0, i), s0);
            s1 = x.fma(int8(b1, i), s1);
            s2 = x.fma(int8(b2, i), s2);
            s3 = x.fma(int8(b3, i), s3);
            s4 = x.fma(int8(b4, i), s4);
            s5 = x.fma(int8(b5, i), s5);
            s6 = x.fma(int8(b6, i), s6);
            s7 = x.fma(int8(b7, i), s7);
        }
        y[yFrom] = s0.reduceLanes(VectorOperators.ADD);
        y[yFrom + 1] = s1.reduceLanes(VectorOperators.ADD);
        y[yFrom + 2] = s2.reduceLanes(VectorOperators.ADD);
        y[yFrom + 3] = s3.reduceLanes(VectorOperators.ADD);
        y[yFrom + 4] = s4.reduceLanes(VectorOperators.ADD);
        y[yFrom + 5] = s5.reduceLanes(VectorOperators.ADD);
        y[yFrom + 6] = s6.reduceLanes(VectorOperators.ADD);
        y[yFrom + 7] = s7.reduceLanes(VectorOperators.ADD);
        for (int o = 0; i < n && o < EIGHT; o++) {
            y[yFrom + o] += restInt8(a, aOffset, b, at + o * row, i, n);
        }
    }

    private static float restInt8(float[] a, int aOffset, MemorySegment b, long at, int from, int n) {
        float sum = 0;
        for (int i = from; i < n; i++) {
            sum = Math.fma(a[aOffset + i], b.get(ValueLayout.JAVA_BYTE, at + i), sum);
        }
        return sum;
    }

    /** L bytes as floats. */
    private static FloatVector int8(MemorySegment codes, long at) {
        return (FloatVector) ByteVector.fromMemorySegment(B, codes, at, LITTLE).convertShape(VectorOperators.B2F, F, 0);
    }

    private static float dotInt4(
            Int4Activations a, int aRow, MemorySegment codes, MemorySegment scalesOffsets, int row, int blocks) {
        int rowGroups = blocks * Int4Rows.BLOCK_GROUPS;
        long weights = (long) row * blocks * Int4Rows.BLOCK_BYTES;
        long scales = 4L * row * rowGroups;
        long offsets = scales + 2L * rowGroups;
        int inputs = a.codesFrom(aRow);
        int groups = a.groupsFrom(aRow);
        FloatVector sum = FloatVector.zero(F);
        for (int block = 0; block < blocks; block++) {
            for (int lane = 0; lane < Int4Rows.BLOCK_GROUPS; lane += L) {
                long w = weights + block * Int4Rows.BLOCK_BYTES + 4 * lane;
                int x = inputs + block * Int4Rows.BLOCK + 2 * lane;
                // Sixteen products of at most 15 · 127 are within 16 bits.
                ShortVector s = ShortVector.zero(WHOLE_S);
                ShortVector t = ShortVector.zero(WHOLE_S);
                for (int word = 0; word < Int4Rows.WORDS; word++) {
                    ShortVector v =
                            ShortVector.fromMemorySegment(WHOLE_S, codes, w + word * Int4Rows.WORD_STRIDE, LITTLE);
                    int from = x + word * 4 * X;
                    s = s.add(v.and(LOW).mul(ShortVector.fromArray(WHOLE_S, a.codes, from)));
                    t = t.add(v.lanewise(VectorOperators.LSHR, 4)
                            .and(LOW)
                            .mul(ShortVector.fromArray(WHOLE_S, a.codes, from + X)));
                    s = s.add(v.lanewise(VectorOperators.LSHR, 8)
                            .and(LOW)
                            .mul(ShortVector.fromArray(WHOLE_S, a.codes, from + 2 * X)));
                    t = t.add(v.lanewise(VectorOperators.LSHR, 12)
                            .mul(ShortVector.fromArray(WHOLE_S, a.codes, from + 3 * X)));
                }
                int g = block * Int4Rows.BLOCK_GROUPS + lane;
                FloatVector scale = bf16(widened(scalesOffsets, scales + 2L * g))
                        .mul(FloatVector.fromArray(F, a.scales, groups + g));
                sum = groupSums(s.add(t)).fma(scale, sum);
                sum = bf16(widened(scalesOffsets, offsets + 2L * g))
                        .fma(FloatVector.fromArray(F, a.sums, groups + g), sum);
            }
        }
        return sum.reduceLanes(VectorOperators.ADD);
    }

    private static IntVector widened(MemorySegment b, long at) {
        return (IntVector) ShortVector.fromMemorySegment(S, b, at, LITTLE).convertShape(VectorOperators.S2I, I, 0);
    }
}
