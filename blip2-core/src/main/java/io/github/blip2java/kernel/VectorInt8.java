/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

import static io.github.blip2java.kernel.VectorKernels.B;
import static io.github.blip2java.kernel.VectorKernels.F;
import static io.github.blip2java.kernel.VectorKernels.L;
import static io.github.blip2java.kernel.VectorKernels.total;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Products of few rows with weights of 8 bits on the heap. */
final class VectorInt8 {
    private VectorInt8() {}

    /** See {@link ScalarKernels#dotsInt8}. */
    static void multiply(byte[] w, int count, FewRows x, float[] y, int out, int o) {
        int r = 0;
        // A load of bytes that is longer than L could end beyond the array.
        if (count == FewRows.WEIGHTS && B.length() == L) {
            for (int group = 0; group < x.groups(); group++) {
                threeByFive(x, group, w, y, out, o);
            }
            r = x.single();
        }
        for (; r < x.rows; r++) {
            for (int i = 0; i < count; i++) {
                y[r * out + o + i] = dot(x.x, x.row(r), w, i * x.width, x.width);
            }
        }
    }

    private static float dot(float[] a, int aFrom, byte[] b, int bFrom, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        int i = 0;
        // What a load reads beyond L must still be in the row.
        for (; i <= n - Math.max(4 * L, 3 * L + B.length()); i += 4 * L) {
            s0 = floats(b, bFrom + i).fma(FloatVector.fromArray(F, a, aFrom + i), s0);
            s1 = floats(b, bFrom + i + L).fma(FloatVector.fromArray(F, a, aFrom + i + L), s1);
            s2 = floats(b, bFrom + i + 2 * L).fma(FloatVector.fromArray(F, a, aFrom + i + 2 * L), s2);
            s3 = floats(b, bFrom + i + 3 * L).fma(FloatVector.fromArray(F, a, aFrom + i + 3 * L), s3);
        }
        return total(s0.add(s1).add(s2.add(s3))) + ScalarKernels.dotInt8(a, aFrom + i, b, bFrom + i, n - i);
    }

    /** Columns o to o + 2 of a panel's rows: fifteen sums in registers, and each weight is widened once. */
    private static void threeByFive(FewRows x, int group, byte[] w, float[] y, int out, int o) {
        int n = x.width;
        int panel = x.panel(group);
        float[] a = x.panels;
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
            FloatVector w0 = floats(w, i);
            FloatVector w1 = floats(w, n + i);
            FloatVector w2 = floats(w, 2 * n + i);
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
                y[r * out + o + q] += ScalarKernels.dotInt8(x.x, x.row(r) + x.whole, w, q * n + x.whole, n - x.whole);
            }
        }
    }

    /** L bytes as floats. */
    static FloatVector floats(byte[] codes, int from) {
        return (FloatVector) ByteVector.fromArray(B, codes, from).convertShape(VectorOperators.B2F, F, 0);
    }
}
