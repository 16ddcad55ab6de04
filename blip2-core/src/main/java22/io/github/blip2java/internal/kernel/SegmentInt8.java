/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.SegmentKernels.LITTLE;
import static io.github.blip2java.internal.kernel.SegmentKernels.LONG;
import static io.github.blip2java.internal.kernel.VectorKernels.B;
import static io.github.blip2java.internal.kernel.VectorKernels.F;
import static io.github.blip2java.internal.kernel.VectorKernels.L;
import static io.github.blip2java.internal.kernel.VectorKernels.total;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Products of few rows with mapped weights of 8 bits. */
final class SegmentInt8 {
    /** Rows of the matrix that are multiplied together. */
    private static final int GROUP = 8;

    private SegmentInt8() {}

    static void multiply(StoredRows w, float[] scales, FewRows x, float[] y, int out) {
        MemorySegment codes = MemorySegment.ofBuffer(w.bytes());
        int n = x.width;
        int rest = w.from();
        // A load of bytes that is longer than L could end beyond the matrix.
        for (; x.groups() > 0 && B.length() == L && rest <= w.to() - FewRows.WEIGHTS; rest += FewRows.WEIGHTS) {
            for (int group = 0; group < x.groups(); group++) {
                threeByFive(x, group, codes, y, out, rest);
            }
        }
        for (int r = 0; r < x.single(); r++) {
            oneByOne(x.x, x.row(r), codes, rest, w.to(), n, y, r * out);
        }
        for (int r = x.single(); r < x.rows; r++) {
            int o = w.from();
            for (; o <= w.to() - GROUP && n >= LONG; o += GROUP) {
                eightByOne(x.x, x.row(r), codes, (long) o * n, n, y, r * out + o);
            }
            oneByOne(x.x, x.row(r), codes, o, w.to(), n, y, r * out);
        }
        for (int r = 0; r < x.rows; r++) {
            for (int o = w.from(); o < w.to(); o++) {
                y[r * out + o] *= scales[o];
            }
        }
    }

    private static void oneByOne(
            float[] a, int aOffset, MemorySegment b, int from, int to, int n, float[] y, int yFrom) {
        for (int o = from; o < to; o++) {
            y[yFrom + o] = dot(a, aOffset, b, (long) o * n, n);
        }
    }

    private static float dot(float[] a, int aOffset, MemorySegment b, long at, int n) {
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
        float sum = total(s0.add(s1).add(s2.add(s3)));
        return sum + rest(a, aOffset, b, at, i, n);
    }

    /** Columns o to o + 2 of a panel's rows: fifteen sums in registers, and each weight is widened once. */
    private static void threeByFive(FewRows x, int group, MemorySegment b, float[] y, int out, int o) {
        int n = x.width;
        int panel = x.panel(group);
        float[] a = x.panels;
        long at = (long) n * o;
        long at1 = at + n;
        long at2 = at1 + n;
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
            FloatVector w0 = int8(b, at + i);
            FloatVector w1 = int8(b, at1 + i);
            FloatVector w2 = int8(b, at2 + i);
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
                y[r * out + o + q] += rest(x.x, x.row(r), b, at + q * (long) n, x.whole, n);
            }
        }
    }

    /** Eight rows of the matrix at once, so that a is read once for them. */
    private static void eightByOne(float[] a, int aOffset, MemorySegment b, long at, int n, float[] y, int yFrom) {
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
        y[yFrom] = total(s0);
        y[yFrom + 1] = total(s1);
        y[yFrom + 2] = total(s2);
        y[yFrom + 3] = total(s3);
        y[yFrom + 4] = total(s4);
        y[yFrom + 5] = total(s5);
        y[yFrom + 6] = total(s6);
        y[yFrom + 7] = total(s7);
        for (int o = 0; i < n && o < GROUP; o++) {
            y[yFrom + o] += rest(a, aOffset, b, at + o * row, i, n);
        }
    }

    private static float rest(float[] a, int aOffset, MemorySegment b, long at, int from, int n) {
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
}
