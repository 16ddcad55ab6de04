/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.nio.ByteBuffer;

/** A format of weights in plain Java. Sums are kept in double. */
final class ScalarFormat implements WeightKernel {
    static final ScalarFormat F32 = new ScalarFormat(
            Float.BYTES,
            (bytes, at, to, from, n) -> bytes.slice(at, n * Float.BYTES)
                    .order(bytes.order())
                    .asFloatBuffer()
                    .get(to, from, n));

    static final ScalarFormat F16 = new ScalarFormat(Short.BYTES, (bytes, at, to, from, n) -> {
        for (int i = 0; i < n; i++) {
            to[from + i] = half(bytes.getShort(at + 2 * i));
        }
    });

    static final ScalarFormat BF16 = new ScalarFormat(Short.BYTES, (bytes, at, to, from, n) -> {
        for (int i = 0; i < n; i++) {
            to[from + i] = Float.intBitsToFloat(bytes.getShort(at + 2 * i) << 16);
        }
    });

    static final ScalarFormat INT8 = new ScalarFormat(Byte.BYTES, (bytes, at, to, from, n) -> {
        for (int i = 0; i < n; i++) {
            to[from + i] = bytes.get(at + i);
        }
    });

    private static final Scratch<float[]> ROW = Scratch.of(float[]::new);

    /** Reads n weights from a place on as floats. */
    @FunctionalInterface
    private interface Reader {
        void read(ByteBuffer bytes, int at, float[] to, int from, int n);
    }

    private final int size;
    private final Reader reader;

    private ScalarFormat(int size, Reader reader) {
        this.size = size;
        this.reader = reader;
    }

    /** IEEE half precision as a float. */
    static float half(short bits) {
        int rest = bits & 0x7fff;
        // Scaling by 2^112 moves the exponent's bias from 15 to 127; infinities and NaN need their exponent kept.
        float magnitude = Float.intBitsToFloat(rest << 13) * 0x1p112f;
        int wide = rest < 0x7c00 ? Float.floatToRawIntBits(magnitude) : 0x7f800000 | (rest & 0x3ff) << 13;
        return Float.intBitsToFloat(wide | (bits & 0x8000) << 16);
    }

    @Override
    public void widen(StoredRows w, int row, float[] to, int from) {
        reader.read(w.bytes(), row * w.width() * size, to, from, w.width());
    }

    @Override
    public void multiply(StoredRows w, FewRows x, float[] y, int out) {
        int n = w.width();
        float[] row = ROW.get(n);
        for (int o = w.from(); o < w.to(); o++) {
            widen(w, o, row, 0);
            for (int r = 0; r < x.rows; r++) {
                y[r * out + o] = ScalarKernels.sum(x.x, x.row(r), row, 0, n);
            }
        }
    }
}
