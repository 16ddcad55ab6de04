/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.Lanes.F;
import static io.github.blip2java.internal.kernel.Lanes.L;
import static io.github.blip2java.internal.kernel.Lanes.total;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

/**
 * A format of weights on the Vector API. Which rows go together is said here once; a format says how its weights are loaded.
 *
 * <p>One row of activations is multiplied with weights as they are loaded. For several, three rows of weights are widened into the
 * nearest cache first and multiplied with panels of five, by one loop for all formats.
 */
abstract class VectorFormat implements WeightKernel {
    private static final Scratch<float[]> WIDENED = Scratch.of(float[]::new);
    private static final Scratch<byte[]> COPY = Scratch.of(byte[]::new);

    /** Bytes of a weight. */
    private final int size;

    /** Weights that a load reads beyond the vector it makes. */
    private final int beyond;

    VectorFormat(int size, int beyond) {
        this.size = size;
        this.beyond = beyond;
    }

    /** Σ x · w over whole vectors. */
    abstract float dot(float[] x, int xFrom, Object memory, int at, int whole);

    /** Widens whole vectors. */
    abstract void widen(Object memory, int at, float[] to, int from, int whole);

    /** One weight. */
    abstract float weight(ByteBuffer bytes, int at);

    /** How many columns of a row of n are whole vectors. */
    private int whole(int n) {
        return Math.max(0, n - beyond) / L * L;
    }

    @Override
    public final void widen(StoredRows w, int row, float[] to, int from) {
        int n = w.width();
        int whole = whole(n);
        Object memory = memory(w, 1);
        widen(memory, load(w, row, 1, memory), to, from, whole);
        for (int i = whole; i < n; i++) {
            to[from + i] = weight(w.bytes(), (row * n + i) * size);
        }
    }

    @Override
    public final void multiply(StoredRows w, FewRows x, float[] y, int out) {
        int o = w.from();
        if (x.groups() > 0) {
            float[] widened = WIDENED.get(FewRows.WEIGHTS * w.width());
            for (; o <= w.to() - FewRows.WEIGHTS; o += FewRows.WEIGHTS) {
                for (int q = 0; q < FewRows.WEIGHTS; q++) {
                    widen(w, o + q, widened, q * w.width());
                }
                for (int group = 0; group < x.groups(); group++) {
                    threeByFive(x, group, widened, y, out, o);
                }
            }
        }
        for (int r = 0; r < x.rows; r++) {
            multiply(w, r < x.single() ? o : w.from(), x.x, x.row(r), y, r * out);
        }
    }

    /** One row of x. */
    private void multiply(StoredRows w, int first, float[] x, int xFrom, float[] y, int yFrom) {
        int n = w.width();
        int whole = whole(n);
        Object memory = memory(w, 1);
        for (int o = first; o < w.to(); o++) {
            float sum = dot(x, xFrom, memory, load(w, o, 1, memory), whole);
            for (int i = whole; i < n; i++) {
                sum = Math.fma(x[xFrom + i], weight(w.bytes(), (o * n + i) * size), sum);
            }
            y[yFrom + o] = sum;
        }
    }

    /** What to load from: the weights themselves, or room for a copy of some rows. */
    private Object memory(StoredRows w, int rows) {
        return Mapped.IN_PLACE ? Mapped.memory(w.bytes()) : COPY.get(rows * w.width() * size);
    }

    /** Where some rows begin in that memory. */
    private int load(StoredRows w, int row, int rows, Object memory) {
        int bytes = w.width() * size;
        if (Mapped.IN_PLACE) {
            return row * bytes;
        }
        w.bytes().get(row * bytes, (byte[]) memory, 0, rows * bytes);
        return 0;
    }

    /** Columns o to o + 2 of a panel's rows: fifteen sums in registers, and eight loads for as many multiply-adds. */
    private static void threeByFive(FewRows x, int group, float[] w, float[] y, int out, int o) {
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
            FloatVector w0 = FloatVector.fromArray(F, w, i);
            FloatVector w1 = FloatVector.fromArray(F, w, n + i);
            FloatVector w2 = FloatVector.fromArray(F, w, 2 * n + i);
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
                for (int c = x.whole; c < n; c++) {
                    y[r * out + o + q] += x.x[x.row(r) + c] * w[q * n + c];
                }
            }
        }
    }
}
