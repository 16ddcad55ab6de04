/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.Lanes.F;
import static io.github.blip2java.internal.kernel.Lanes.I;
import static io.github.blip2java.internal.kernel.Lanes.L;
import static io.github.blip2java.internal.kernel.Lanes.total;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The loops over weights of one format on the Vector API.
 *
 * <p>They are written once, and this class is loaded once for each format ({@link VectorFormat#loops}), as a hidden class of its own whose format
 * is a constant: so the compiler sees each format's loops alone and calls nothing in them. Measured: one class that asks its
 * format reads three quarters as fast, and widening rows into the cache first costs products of five rows a third.
 *
 * <p>One row of activations goes with several rows of weights that lie apart, each read from its beginning to its end with the
 * next behind it: processors fetch several such streams ahead, and one alone is not enough for the speed of memory. Five rows
 * of activations go with three.
 */
final class VectorLoops implements WeightKernel {
    private static final VectorFormat FORMAT = format();
    private static final MethodHandle RAW = FORMAT.raw();
    private static final MethodHandle WIDEN = FORMAT.widen();
    private static final MethodHandle TRACK = FORMAT.track();
    private static final MethodHandle WIDEN_ANY = FORMAT.widenAny();
    private static final int SIZE = FORMAT.size();

    /** Rows of the matrix that go together with one row of activations: 4, or 2 where the compiler gives up on longer loops. */
    private static final int STREAMS = FORMAT.streams();

    /** For {@link VectorFormat#loops}, by reflection. */
    VectorLoops() {}

    private static VectorFormat format() {
        try {
            return MethodHandles.classData(MethodHandles.lookup(), "_", VectorFormat.class);
        } catch (IllegalAccessException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The bits of L weights, each in an int lane. */
    private static IntVector raw(Object memory, int at) {
        try {
            return (IntVector) RAW.invokeExact(memory, at);
        } catch (Throwable e) {
            throw Mapped.unexpected(e);
        }
    }

    private static FloatVector widen(IntVector raw) {
        try {
            return (FloatVector) WIDEN.invokeExact(raw);
        } catch (Throwable e) {
            throw Mapped.unexpected(e);
        }
    }

    /** Remembers what {@link #widen} cannot widen. */
    private static IntVector track(IntVector seen, IntVector raw) {
        try {
            return (IntVector) TRACK.invokeExact(seen, raw);
        } catch (Throwable e) {
            throw Mapped.unexpected(e);
        }
    }

    /** Widens what {@link #track} has remembered too, more slowly. */
    private static FloatVector widenAny(IntVector raw) {
        try {
            return (FloatVector) WIDEN_ANY.invokeExact(raw);
        } catch (Throwable e) {
            throw Mapped.unexpected(e);
        }
    }

    private static boolean hasAny(IntVector seen) {
        return seen.reduceLanes(VectorOperators.MAX) >= FORMAT.limit();
    }

    /** How many columns of a row of n are whole vectors, without reading beyond the row. */
    private static int whole(int n) {
        return Math.max(0, n - FORMAT.beyond()) / L * L;
    }

    /** What to load from: the weights themselves, or room for a copy of some rows. */
    private static Object memory(StoredRows w, int rows) {
        return Mapped.IN_PLACE ? Mapped.memory(w.bytes()) : VectorFormat.COPY.get(rows * w.width() * SIZE);
    }

    /** Where some rows begin in that memory. */
    private static int place(StoredRows w, int row, int rows, Object memory) {
        int bytes = w.width() * SIZE;
        if (Mapped.IN_PLACE) {
            return row * bytes;
        }
        w.bytes().get(row * bytes, (byte[]) memory, 0, rows * bytes);
        return 0;
    }

    @Override
    public void widen(StoredRows w, int row, float[] to, int from) {
        Object memory = memory(w, 1);
        int at = place(w, row, 1, memory);
        int whole = whole(w.width());
        IntVector seen = IntVector.zero(I);
        for (int i = 0; i < whole; i += L) {
            IntVector raw = raw(memory, at + SIZE * i);
            seen = track(seen, raw);
            widen(raw).intoArray(to, from + i);
        }
        for (int i = 0; hasAny(seen) && i < whole; i += L) {
            widenAny(raw(memory, at + SIZE * i)).intoArray(to, from + i);
        }
        for (int i = whole; i < w.width(); i++) {
            to[from + i] = FORMAT.weight().at(w.bytes(), (row * w.width() + i) * SIZE);
        }
    }

    @Override
    public void multiply(StoredRows w, FewRows x, float[] y, int out) {
        int first = w.from();
        if (x.panelCount() > 0) {
            Object memory = memory(w, FewRows.WEIGHTS);
            int turns = (w.to() - first) / FewRows.WEIGHTS;
            int step = Mapped.IN_PLACE ? 1 : FewRows.WEIGHTS;
            int gap = Mapped.IN_PLACE ? turns : 1;
            for (int turn = 0; turn < turns; turn++) {
                int row = first + turn * step;
                int at = place(w, row, FewRows.WEIGHTS, memory);
                for (int panel = 0; panel < x.panelCount(); panel++) {
                    threeByFive(w, row, gap, memory, at, x, panel, y, out);
                }
            }
            first += turns * FewRows.WEIGHTS;
        }
        for (int r = 0; r < x.rows; r++) {
            one(w, r < x.single() ? first : w.from(), x.x, x.row(r), y, r * out);
        }
    }

    /** One row of x with the rows of weights from {@code first} on. */
    private static void one(StoredRows w, int first, float[] x, int xFrom, float[] y, int yFrom) {
        Object memory = memory(w, STREAMS);
        int turns = (w.to() - first) / STREAMS;
        // What is copied first is read one row after the other.
        int step = Mapped.IN_PLACE ? 1 : STREAMS;
        int gap = Mapped.IN_PLACE ? turns : 1;
        for (int turn = 0; turn < turns; turn++) {
            int row = first + turn * step;
            several(w, row, gap, memory, place(w, row, STREAMS, memory), x, xFrom, y, yFrom);
        }
        for (int row = first + turns * STREAMS; row < w.to(); row++) {
            several(w, row, 0, memory, place(w, row, 1, memory), x, xFrom, y, yFrom);
        }
    }

    /** Σ x · w for {@link #STREAMS} rows of weights, {@code gap} rows from each to the next; for one where the gap is 0. */
    private static void several(
            StoredRows w, int row, int gap, Object memory, int at, float[] x, int xFrom, float[] y, int yFrom) {
        int n = w.width();
        int whole = whole(n);
        int at1 = at + gap * n * SIZE;
        int at2 = at1 + gap * n * SIZE;
        int at3 = at2 + gap * n * SIZE;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        IntVector seen = IntVector.zero(I);
        for (int i = 0; i < whole; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, xFrom + i);
            IntVector w0 = raw(memory, at + SIZE * i);
            IntVector w1 = raw(memory, at1 + SIZE * i);
            seen = track(track(seen, w0), w1);
            s0 = v.fma(widen(w0), s0);
            s1 = v.fma(widen(w1), s1);
            if (STREAMS == 4) {
                IntVector w2 = raw(memory, at2 + SIZE * i);
                IntVector w3 = raw(memory, at3 + SIZE * i);
                seen = track(track(seen, w2), w3);
                s2 = v.fma(widen(w2), s2);
                s3 = v.fma(widen(w3), s3);
            }
        }
        int to = yFrom + row;
        int rows = gap == 0 ? 1 : STREAMS;
        y[to] = total(s0);
        if (rows > 1) {
            y[to + gap] = total(s1);
        }
        if (rows > 2) {
            y[to + 2 * gap] = total(s2);
            y[to + 3 * gap] = total(s3);
        }
        if (hasAny(seen) || whole < n) {
            for (int q = 0; q < rows; q++) {
                finish(w, row + q * gap, memory, at + q * gap * n * SIZE, hasAny(seen), x, xFrom, y, to + q * gap);
            }
        }
    }

    /** Adds the columns beyond whole vectors to a sum, or computes it again where there is what could not be widened. */
    private static void finish(
            StoredRows w, int row, Object memory, int at, boolean again, float[] x, int xFrom, float[] y, int to) {
        int whole = whole(w.width());
        if (again) {
            FloatVector sums = FloatVector.zero(F);
            for (int i = 0; i < whole; i += L) {
                sums = FloatVector.fromArray(F, x, xFrom + i).fma(widenAny(raw(memory, at + SIZE * i)), sums);
            }
            y[to] = total(sums);
        }
        for (int i = whole; i < w.width(); i++) {
            y[to] = Math.fma(x[xFrom + i], FORMAT.weight().at(w.bytes(), (row * w.width() + i) * SIZE), y[to]);
        }
    }

    /** Three columns of a panel's rows, {@code gap} columns from each to the next: fifteen sums in registers, and each weight is widened once. */
    private static void threeByFive(
            StoredRows w, int o, int gap, Object memory, int at, FewRows x, int panel, float[] y, int out) {
        int n = w.width();
        int whole = whole(n);
        int at1 = at + gap * n * SIZE;
        int at2 = at1 + gap * n * SIZE;
        int begin = x.begin(panel);
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
        IntVector seen = IntVector.zero(I);
        for (int i = 0; i < whole; i += L) {
            IntVector r0 = raw(memory, at + SIZE * i);
            IntVector r1 = raw(memory, at1 + SIZE * i);
            IntVector r2 = raw(memory, at2 + SIZE * i);
            seen = track(track(track(seen, r0), r1), r2);
            FloatVector w0 = widen(r0);
            FloatVector w1 = widen(r1);
            FloatVector w2 = widen(r2);
            int j = begin + i * FewRows.PANEL_ROWS;
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
        float[] sums = VectorFormat.SUMS.get(FewRows.WEIGHTS * FewRows.PANEL_ROWS * L);
        s0.intoArray(sums, 0);
        s1.intoArray(sums, L);
        s2.intoArray(sums, 2 * L);
        s3.intoArray(sums, 3 * L);
        s4.intoArray(sums, 4 * L);
        t0.intoArray(sums, 5 * L);
        t1.intoArray(sums, 6 * L);
        t2.intoArray(sums, 7 * L);
        t3.intoArray(sums, 8 * L);
        t4.intoArray(sums, 9 * L);
        u0.intoArray(sums, 10 * L);
        u1.intoArray(sums, 11 * L);
        u2.intoArray(sums, 12 * L);
        u3.intoArray(sums, 13 * L);
        u4.intoArray(sums, 14 * L);
        for (int q = 0; q < FewRows.WEIGHTS; q++) {
            x.put(panel, y, out, o + q * gap, sums, q * FewRows.PANEL_ROWS * L);
        }
        if (hasAny(seen) || whole < n) {
            for (int r = panel * FewRows.PANEL_ROWS; r < x.end(panel); r++) {
                for (int q = 0; q < FewRows.WEIGHTS; q++) {
                    int row = o + q * gap;
                    finish(w, row, memory, at + q * gap * n * SIZE, hasAny(seen), x.x, x.row(r), y, r * out + row);
                }
            }
        }
    }
}
