/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products of few rows that read the weights where they are mapped, which Java 22 and newer allow.
 *
 * <p>Measured: one row runs as fast as memory is read, twice as fast as with rows copied to the heap first.
 */
final class SegmentKernels extends VectorKernels {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE);

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
        if (rows == 1) {
            for (int o = w.from(); o < w.to(); o++) {
                y[o] = dotF16(x, bytes, 2L * o * n, n);
            }
            return;
        }
        float[] row = new float[n];
        for (int o = w.from(); o < w.to(); o++) {
            widenF16(bytes, 2L * o * n, row, n);
            dots(row, x, rows, y, out, o);
        }
    }

    @Override
    public void multiplyBf16(StoredRows w, float[] x, int rows, float[] y, int out) {
        MemorySegment bytes = MemorySegment.ofBuffer(w.bytes());
        int n = w.width();
        if (rows == 1) {
            for (int o = w.from(); o < w.to(); o++) {
                y[o] = dotBf16(x, bytes, 2L * o * n, n);
            }
            return;
        }
        float[] row = new float[n];
        for (int o = w.from(); o < w.to(); o++) {
            widenBf16(bytes, 2L * o * n, row, n);
            dots(row, x, rows, y, out, o);
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

    private static float dotF16(float[] a, MemorySegment b, long at, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        IntVector largest = IntVector.zero(I);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            IntVector h0 = widened(b, at + 2L * i);
            IntVector h1 = widened(b, at + 2L * (i + L));
            largest = largest.max(magnitude(h0)).max(magnitude(h1));
            s0 = FloatVector.fromArray(F, a, i).fma(f16(h0), s0);
            s1 = FloatVector.fromArray(F, a, i + L).fma(f16(h1), s1);
        }
        float sum = s0.add(s1).reduceLanes(VectorOperators.ADD);
        if (beyondHalf(largest)) {
            sum = 0;
            i = 0;
        }
        for (; i < n; i++) {
            sum = Math.fma(a[i], half(b.get(SHORT, at + 2L * i)), sum);
        }
        return sum;
    }

    private static float dotBf16(float[] a, MemorySegment b, long at, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            s0 = FloatVector.fromArray(F, a, i).fma(bf16(widened(b, at + 2L * i)), s0);
            s1 = FloatVector.fromArray(F, a, i + L).fma(bf16(widened(b, at + 2L * (i + L))), s1);
        }
        float sum = s0.add(s1).reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) {
            sum = Math.fma(a[i], Float.intBitsToFloat(b.get(SHORT, at + 2L * i) << 16), sum);
        }
        return sum;
    }

    private static void widenF16(MemorySegment b, long at, float[] row, int n) {
        IntVector largest = IntVector.zero(I);
        int i = 0;
        for (; i <= n - L; i += L) {
            IntVector bits = widened(b, at + 2L * i);
            largest = largest.max(magnitude(bits));
            f16(bits).intoArray(row, i);
        }
        if (beyondHalf(largest)) {
            i = 0;
        }
        for (; i < n; i++) {
            row[i] = half(b.get(SHORT, at + 2L * i));
        }
    }

    private static void widenBf16(MemorySegment b, long at, float[] row, int n) {
        int i = 0;
        for (; i <= n - L; i += L) {
            bf16(widened(b, at + 2L * i)).intoArray(row, i);
        }
        for (; i < n; i++) {
            row[i] = Float.intBitsToFloat(b.get(SHORT, at + 2L * i) << 16);
        }
    }

    private static IntVector widened(MemorySegment b, long at) {
        return (IntVector) ShortVector.fromMemorySegment(S, b, at, LITTLE).convertShape(VectorOperators.S2I, I, 0);
    }
}
