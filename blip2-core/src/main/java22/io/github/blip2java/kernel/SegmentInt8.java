/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

import static io.github.blip2java.kernel.SegmentKernels.LITTLE;
import static io.github.blip2java.kernel.SegmentKernels.LONG;
import static io.github.blip2java.kernel.VectorKernels.B;
import static io.github.blip2java.kernel.VectorKernels.F;
import static io.github.blip2java.kernel.VectorKernels.L;

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

    static void multiply(StoredRows w, float[] scales, float[] x, int rows, float[] y, int out) {
        MemorySegment codes = MemorySegment.ofBuffer(w.bytes());
        int n = w.width();
        for (int r = 0; r < rows; r++) {
            int o = w.from();
            for (; o <= w.to() - GROUP && n >= LONG; o += GROUP) {
                eightByOne(x, r * n, codes, (long) o * n, n, y, r * out + o);
            }
            for (; o < w.to(); o++) {
                y[r * out + o] = dot(x, r * n, codes, (long) o * n, n);
            }
            for (o = w.from(); o < w.to(); o++) {
                y[r * out + o] *= scales[o];
            }
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
        float sum = s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD);
        return sum + rest(a, aOffset, b, at, i, n);
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
        y[yFrom] = s0.reduceLanes(VectorOperators.ADD);
        y[yFrom + 1] = s1.reduceLanes(VectorOperators.ADD);
        y[yFrom + 2] = s2.reduceLanes(VectorOperators.ADD);
        y[yFrom + 3] = s3.reduceLanes(VectorOperators.ADD);
        y[yFrom + 4] = s4.reduceLanes(VectorOperators.ADD);
        y[yFrom + 5] = s5.reduceLanes(VectorOperators.ADD);
        y[yFrom + 6] = s6.reduceLanes(VectorOperators.ADD);
        y[yFrom + 7] = s7.reduceLanes(VectorOperators.ADD);
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
