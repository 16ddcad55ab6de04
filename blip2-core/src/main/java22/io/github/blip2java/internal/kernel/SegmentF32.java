/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.SegmentKernels.LITTLE;
import static io.github.blip2java.internal.kernel.VectorKernels.F;
import static io.github.blip2java.internal.kernel.VectorKernels.L;
import static io.github.blip2java.internal.kernel.VectorKernels.total;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/** Products of few rows with mapped weights of 32 bits. */
final class SegmentF32 {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE);

    private SegmentF32() {}

    static void multiply(StoredRows w, FewRows x, float[] y, int out) {
        MemorySegment bytes = MemorySegment.ofBuffer(w.bytes());
        int n = x.width;
        int rest = w.from();
        for (; x.groups() > 0 && rest <= w.to() - FewRows.WEIGHTS; rest += FewRows.WEIGHTS) {
            for (int group = 0; group < x.groups(); group++) {
                threeByFive(x, group, bytes, y, out, rest);
            }
        }
        for (int r = 0; r < x.rows; r++) {
            for (int o = r < x.single() ? rest : w.from(); o < w.to(); o++) {
                y[r * out + o] = dot(x.x, x.row(r), bytes, 4L * o * n, n);
            }
        }
    }

    private static float dot(float[] a, int aOffset, MemorySegment b, long at, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            s0 = FloatVector.fromArray(F, a, aOffset + i)
                    .fma(FloatVector.fromMemorySegment(F, b, at + 4L * i, LITTLE), s0);
            s1 = FloatVector.fromArray(F, a, aOffset + i + L)
                    .fma(FloatVector.fromMemorySegment(F, b, at + 4L * (i + L), LITTLE), s1);
        }
        return total(s0.add(s1)) + rest(a, aOffset, b, at, i, n);
    }

    /** Columns o to o + 2 of a panel's rows: fifteen sums in registers, and each weight is read once. */
    private static void threeByFive(FewRows x, int group, MemorySegment b, float[] y, int out, int o) {
        int n = x.width;
        int panel = x.panel(group);
        float[] a = x.panels;
        long at = 4L * n * o;
        long at1 = at + 4L * n;
        long at2 = at1 + 4L * n;
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
            FloatVector w0 = FloatVector.fromMemorySegment(F, b, at + 4L * i, LITTLE);
            FloatVector w1 = FloatVector.fromMemorySegment(F, b, at1 + 4L * i, LITTLE);
            FloatVector w2 = FloatVector.fromMemorySegment(F, b, at2 + 4L * i, LITTLE);
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
                y[r * out + o + q] += rest(x.x, x.row(r), b, at + q * 4L * n, x.whole, n);
            }
        }
    }

    private static float rest(float[] a, int aOffset, MemorySegment b, long at, int from, int n) {
        float sum = 0;
        for (int i = from; i < n; i++) {
            sum = Math.fma(a[aOffset + i], b.get(FLOAT, at + 4L * i), sum);
        }
        return sum;
    }
}
