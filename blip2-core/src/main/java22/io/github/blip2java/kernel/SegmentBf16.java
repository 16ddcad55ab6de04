/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

import static io.github.blip2java.kernel.SegmentKernels.LONG;
import static io.github.blip2java.kernel.SegmentKernels.SHORT;
import static io.github.blip2java.kernel.SegmentKernels.widened;
import static io.github.blip2java.kernel.VectorKernels.F;
import static io.github.blip2java.kernel.VectorKernels.L;
import static io.github.blip2java.kernel.VectorKernels.bf16;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Products of few rows with mapped weights in bfloat16. */
final class SegmentBf16 {
    /** Rows of the matrix that are multiplied together. */
    private static final int GROUP = 4;

    private SegmentBf16() {}

    static void multiply(StoredRows w, float[] x, int rows, float[] y, int out) {
        MemorySegment bytes = MemorySegment.ofBuffer(w.bytes());
        int n = w.width();
        int fives = rows / 5 * 5;
        int o = w.from();
        for (; o <= w.to() - GROUP; o += GROUP) {
            for (int r = 0; r < fives; r += 5) {
                for (int pair = o; pair < o + GROUP; pair += 2) {
                    twoByFive(x, r * n, bytes, 2L * pair * n, n, y, r * out + pair, out);
                }
            }
            for (int r = fives; r < rows; r++) {
                if (n >= LONG) {
                    fourByOne(x, r * n, bytes, 2L * o * n, n, y, r * out + o);
                } else {
                    oneByOne(x, r * n, bytes, o, o + GROUP, n, y, r * out);
                }
            }
        }
        for (int r = 0; r < rows; r++) {
            oneByOne(x, r * n, bytes, o, w.to(), n, y, r * out);
        }
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
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            s0 = FloatVector.fromArray(F, a, aOffset + i).fma(bf16(widened(b, at + 2L * i)), s0);
            s1 = FloatVector.fromArray(F, a, aOffset + i + L).fma(bf16(widened(b, at + 2L * (i + L))), s1);
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

    /** Four rows of the matrix at once, so that a is read once for them. */
    private static void fourByOne(float[] a, int aOffset, MemorySegment b, long at, int n, float[] y, int yFrom) {
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
        for (int o = 0; i < n && o < GROUP; o++) {
            y[yFrom + o] += rest(a, aOffset, b, at + o * row, i, n);
        }
    }

    private static float rest(float[] a, int aOffset, MemorySegment b, long at, int from, int n) {
        float sum = 0;
        for (int i = from; i < n; i++) {
            sum = Math.fma(a[aOffset + i], Float.intBitsToFloat(b.get(SHORT, at + 2L * i) << 16), sum);
        }
        return sum;
    }
}
