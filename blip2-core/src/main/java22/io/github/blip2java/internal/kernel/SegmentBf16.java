/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.SegmentKernels.LONG;
import static io.github.blip2java.internal.kernel.SegmentKernels.SHORT;
import static io.github.blip2java.internal.kernel.SegmentKernels.widened;
import static io.github.blip2java.internal.kernel.VectorKernels.F;
import static io.github.blip2java.internal.kernel.VectorKernels.L;
import static io.github.blip2java.internal.kernel.VectorKernels.bf16;
import static io.github.blip2java.internal.kernel.VectorKernels.total;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Products of few rows with mapped weights in bfloat16. */
final class SegmentBf16 {
    /** Rows of the matrix that are multiplied together. */
    private static final int GROUP = 4;

    private SegmentBf16() {}

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
            for (; o <= w.to() - GROUP && n >= LONG; o += GROUP) {
                fourByOne(x.x, x.row(r), bytes, 2L * o * n, n, y, r * out + o);
            }
            oneByOne(x.x, x.row(r), bytes, o, w.to(), n, y, r * out);
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
        for (int i = 0; i < x.whole; i += L) {
            FloatVector w0 = bf16(widened(b, at + 2L * i));
            FloatVector w1 = bf16(widened(b, at1 + 2L * i));
            FloatVector w2 = bf16(widened(b, at2 + 2L * i));
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
        for (int r = group * FewRows.GROUP; x.whole < n && r < x.end(group); r++) {
            for (int q = 0; q < FewRows.WEIGHTS; q++) {
                y[r * out + o + q] += rest(x.x, x.row(r), b, at + q * 2L * n, x.whole, n);
            }
        }
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
        y[yFrom] = total(s0);
        y[yFrom + 1] = total(s1);
        y[yFrom + 2] = total(s2);
        y[yFrom + 3] = total(s3);
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
