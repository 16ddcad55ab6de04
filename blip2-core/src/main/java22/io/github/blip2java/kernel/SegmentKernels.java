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
    static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE);

    /**
     * From this length on a row of x and one of weights do not fit the nearest cache together, so x is read once for several
     * rows of weights. Measured: such products take half to two thirds of the time; with shorter rows, whose weights lie closer
     * together, they would take longer.
     */
    static final int LONG = 5120;

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
        SegmentF16.multiply(w, x, rows, y, out);
    }

    @Override
    public void multiplyBf16(StoredRows w, float[] x, int rows, float[] y, int out) {
        SegmentBf16.multiply(w, x, rows, y, out);
    }

    @Override
    public void multiplyInt8(StoredRows w, float[] scales, float[] x, int rows, float[] y, int out) {
        SegmentInt8.multiply(w, scales, x, rows, y, out);
    }

    @Override
    public void multiplyInt4(StoredInt4Rows w, Int4Activations x, int rows, float[] y, int out) {
        SegmentInt4.multiply(w, x, rows, y, out);
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

    /** L shorts, sign-extended. */
    static IntVector widened(MemorySegment b, long at) {
        return (IntVector) ShortVector.fromMemorySegment(S, b, at, LITTLE).convertShape(VectorOperators.S2I, I, 0);
    }
}
