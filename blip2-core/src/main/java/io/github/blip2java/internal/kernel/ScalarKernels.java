/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;

/** The kernels in plain Java: the yardstick of the others, and the fallback. Sums are kept in double. */
class ScalarKernels implements Kernels {
    /** Added to a number below 2^22, it rounds it, and leaves it in the lowest bits. */
    static final float ROUNDER = 0x1.8p23f;

    private static final double SQRT_HALF = Math.sqrt(0.5);
    private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
        // Four sums, so that additions need not wait for each other.
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = 0;
        for (; i + 3 < n; i += 4) {
            s0 += a[aOffset + i] * b[bOffset + i];
            s1 += a[aOffset + i + 1] * b[bOffset + i + 1];
            s2 += a[aOffset + i + 2] * b[bOffset + i + 2];
            s3 += a[aOffset + i + 3] * b[bOffset + i + 3];
        }
        for (; i < n; i++) {
            s0 += a[aOffset + i] * b[bOffset + i];
        }
        return (float) (s0 + s1 + s2 + s3);
    }

    @Override
    public void add(float[] x, int xOffset, float[] y, int yOffset, int n) {
        for (int i = 0; i < n; i++) {
            y[yOffset + i] += x[xOffset + i];
        }
    }

    @Override
    public void widenBf16(short[] bits, float[] out, int outFrom, int n) {
        for (int i = 0; i < n; i++) {
            out[outFrom + i] = Float.intBitsToFloat(bits[i] << 16);
        }
    }

    @Override
    public void widenF16(short[] bits, float[] out, int outFrom, int n) {
        for (int i = 0; i < n; i++) {
            out[outFrom + i] = half(bits[i]);
        }
    }

    static float half(short bits) {
        int rest = bits & 0x7fff;
        // Scaling by 2^112 moves the exponent's bias from 15 to 127; infinities and NaN need their exponent kept.
        float magnitude = Float.intBitsToFloat(rest << 13) * 0x1p112f;
        int wide = rest < 0x7c00 ? Float.floatToRawIntBits(magnitude) : 0x7f800000 | (rest & 0x3ff) << 13;
        return Float.intBitsToFloat(wide | (bits & 0x8000) << 16);
    }

    @Override
    public FewRows fewRows(float[] x, int rows, int width, int fewest) {
        // Nothing here reads panels.
        return new FewRows(x, rows, width, Integer.MAX_VALUE, 1);
    }

    @Override
    public void multiplyF32(StoredRows w, FewRows x, float[] y, int out) {
        FloatBuffer stored = w.bytes().asFloatBuffer();
        multiply(w, x, y, out, (row, to, from) -> stored.get(row * w.width(), to, from, w.width()));
    }

    @Override
    public void multiplyF16(StoredRows w, FewRows x, float[] y, int out) {
        int n = w.width();
        ShortBuffer stored = w.bytes().asShortBuffer();
        short[] bits = new short[n];
        if (x.rows > 1) {
            multiply(w, x, y, out, (row, to, from) -> {
                stored.get(row * n, bits);
                widenF16(bits, to, from, n);
            });
            return;
        }
        // Writing the widened row down would cost more than the product.
        for (int o = w.from(); o < w.to(); o++) {
            stored.get(o * n, bits);
            y[o] = dotF16(x.x, bits, n);
        }
    }

    @Override
    public void multiplyBf16(StoredRows w, FewRows x, float[] y, int out) {
        int n = w.width();
        ShortBuffer stored = w.bytes().asShortBuffer();
        short[] bits = new short[n];
        if (x.rows > 1) {
            multiply(w, x, y, out, (row, to, from) -> {
                stored.get(row * n, bits);
                widenBf16(bits, to, from, n);
            });
            return;
        }
        for (int o = w.from(); o < w.to(); o++) {
            stored.get(o * n, bits);
            y[o] = dotBf16(x.x, bits, n);
        }
    }

    /** Reads a row of a matrix as floats. */
    @FunctionalInterface
    private interface Reader {
        void read(int row, float[] to, int from);
    }

    private void multiply(StoredRows w, FewRows x, float[] y, int out, Reader reader) {
        int n = w.width();
        float[] widened = new float[FewRows.WEIGHTS * n];
        for (int o = w.from(); o < w.to(); o += FewRows.WEIGHTS) {
            int count = Math.min(FewRows.WEIGHTS, w.to() - o);
            for (int i = 0; i < count; i++) {
                reader.read(o + i, widened, i * n);
            }
            dots(widened, count, x, y, out, o);
        }
    }

    /** Columns o to o + count - 1 of y, with as many rows w. */
    void dots(float[] w, int count, FewRows x, float[] y, int out, int o) {
        for (int i = 0; i < count; i++) {
            for (int r = 0; r < x.rows; r++) {
                y[r * out + o + i] = dot(x.x, x.row(r), w, i * x.width, x.width);
            }
        }
    }

    float dotBf16(float[] a, short[] b, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += a[i] * Float.intBitsToFloat(b[i] << 16);
        }
        return (float) sum;
    }

    float dotF16(float[] a, short[] b, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += a[i] * half(b[i]);
        }
        return (float) sum;
    }

    @Override
    public void multiplyInt8(StoredRows w, float[] scales, FewRows x, float[] y, int out) {
        int n = w.width();
        byte[] codes = new byte[n];
        for (int o = w.from(); o < w.to(); o++) {
            w.bytes().get(o * n, codes);
            for (int r = 0; r < x.rows; r++) {
                y[r * out + o] = dotInt8(x.x, x.row(r), codes, n) * scales[o];
            }
        }
    }

    float dotInt8(float[] a, int aFrom, byte[] b, int n) {
        return dotInt8(a, aFrom, b, 0, n);
    }

    static float dotInt8(float[] a, int aFrom, byte[] b, int from, int to) {
        double sum = 0;
        for (int i = from; i < to; i++) {
            sum += (double) a[aFrom + i] * b[i];
        }
        return (float) sum;
    }

    @Override
    public void widenInt8(byte[] codes, int from, float scale, float[] out, int outFrom, int n) {
        for (int i = 0; i < n; i++) {
            out[outFrom + i] = codes[from + i] * scale;
        }
    }

    @Override
    public float largestMagnitude(float[] x, int offset, int n) {
        float largest = 0;
        for (int i = 0; i < n; i++) {
            largest = Math.max(largest, Math.abs(x[offset + i]));
        }
        return largest;
    }

    @Override
    public void roundToBytes(float[] x, int offset, float factor, byte[] out, int n) {
        roundToBytes(x, offset, factor, out, 0, n);
    }

    static void roundToBytes(float[] x, int offset, float factor, byte[] out, int from, int to) {
        for (int i = from; i < to; i++) {
            // Rounds, and leaves the number in the lowest bits.
            out[i] = (byte) Float.floatToRawIntBits(x[offset + i] * factor + ROUNDER);
        }
    }

    @Override
    public void multiplyInt4(StoredInt4Rows w, Int4Activations x, float[] y, int out) {
        Int4Rows two = Int4Rows.zeros(2, w.blocks());
        for (int o = w.from(); o < w.to(); o += 2) {
            int count = Math.min(2, w.to() - o);
            w.copyRows(o, count, two);
            dotsInt4(two, count, x, y, out, o);
        }
    }

    /** Columns o to o + count - 1 of y, with the first rows w. */
    void dotsInt4(Int4Rows w, int count, Int4Activations x, float[] y, int out, int o) {
        for (int i = 0; i < count; i++) {
            for (int r = 0; r < x.rows; r++) {
                y[r * out + o + i] = dotInt4(x, r, w, i);
            }
        }
    }

    float dotInt4(Int4Activations a, int aRow, Int4Rows b, int bRow) {
        double sum = 0;
        for (int group = 0; group < b.groups(); group++) {
            int word = b.codesFrom(bRow) + Int4Rows.firstByte(group);
            int codes = a.codesFrom(aRow) + a.first(aRow, group);
            int products = 0;
            for (int v = 0; v < Int4Rows.WORDS; v++) {
                for (int nibble = 0; nibble < 8; nibble++) {
                    int weight = b.codes()[word + nibble / 2] >> nibble % 2 * 4 & 15;
                    products += weight * a.codes[codes + nibble % 4 * a.step(aRow) + nibble / 4];
                }
                word += Int4Rows.WORD_STRIDE;
                codes += 4 * a.step(aRow);
            }
            int input = a.groupsFrom(aRow) + group;
            sum += products * (bfloat(b.scalesOffsets()[b.scalesFrom(bRow) + group]) * a.scales[input])
                    + bfloat(b.scalesOffsets()[b.offsetsFrom(bRow) + group]) * a.sums[input];
        }
        return (float) sum;
    }

    @Override
    public void widenInt4(Int4Rows weights, int row, float[] out, int outFrom) {
        for (int group = 0; group < weights.groups(); group++) {
            float scale = bfloat(weights.scalesOffsets()[weights.scalesFrom(row) + group]);
            float offset = bfloat(weights.scalesOffsets()[weights.offsetsFrom(row) + group]);
            int from = weights.codesFrom(row) + Int4Rows.firstByte(group);
            for (int i = 0; i < Int4Rows.GROUP; i++) {
                int code = weights.codes()[from + i / 8 * Int4Rows.WORD_STRIDE + i % 8 / 2] >> i % 2 * 4 & 15;
                out[outFrom + Int4Rows.place(group * Int4Rows.GROUP + i)] = code * scale + offset;
            }
        }
    }

    @Override
    public float narrowInt4(Int4Rows weights, int row, byte[] out) {
        float highest = largestInt4(weights, row);
        float inverse = highest == 0 ? 0 : 127 / highest;
        narrowInt4(weights, row, inverse, out);
        return highest / 127;
    }

    /** The largest magnitude that the codes 0 and 15 of any group in the row stand for. */
    float largestInt4(Int4Rows weights, int row) {
        float highest = 0;
        for (int group = 0; group < weights.groups(); group++) {
            float scale = bfloat(weights.scalesOffsets()[weights.scalesFrom(row) + group]);
            float offset = bfloat(weights.scalesOffsets()[weights.offsetsFrom(row) + group]);
            highest = Math.max(highest, Math.max(Math.abs(offset), Math.abs(15 * scale + offset)));
        }
        return highest;
    }

    void narrowInt4(Int4Rows weights, int row, float inverse, byte[] out) {
        float[] values = new float[weights.blocks() * Int4Rows.BLOCK];
        widenInt4(weights, row, values, 0);
        roundToBytes(values, 0, inverse, out, values.length);
    }

    private static float bfloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    @Override
    public void layerNorm(
            float[] x, int xOffset, int n, float[] weight, float[] bias, float eps, float[] y, int yOffset) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += x[xOffset + i];
        }
        double mean = sum / n;
        double squares = 0;
        for (int i = 0; i < n; i++) {
            double d = x[xOffset + i] - mean;
            squares += d * d;
        }
        normalize(x, xOffset, n, (float) mean, (float) (1 / Math.sqrt(squares / n + eps)), weight, bias, y, yOffset);
    }

    /** y = (x − mean) · scale · weight + bias. */
    void normalize(
            float[] x,
            int xOffset,
            int n,
            float mean,
            float scale,
            float[] weight,
            float[] bias,
            float[] y,
            int yOffset) {
        for (int i = 0; i < n; i++) {
            float normed = (x[xOffset + i] - mean) * scale;
            float weighted = weight == null ? normed : normed * weight[i];
            y[yOffset + i] = bias == null ? weighted : weighted + bias[i];
        }
    }

    @Override
    public void rmsNorm(float[] x, int xOffset, int n, float[] weight, float eps, float[] y, int yOffset) {
        double squares = 0;
        for (int i = 0; i < n; i++) {
            squares += (double) x[xOffset + i] * x[xOffset + i];
        }
        normalize(x, xOffset, n, 0f, (float) (1 / Math.sqrt(squares / n + eps)), weight, null, y, yOffset);
    }

    @Override
    public void softmax(float[] x, int offset, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = offset; i < offset + n; i++) {
            max = Math.max(max, x[i]);
        }
        if (max == Float.NEGATIVE_INFINITY) {
            Arrays.fill(x, offset, offset + n, 0f);
            return;
        }
        double sum = 0;
        for (int i = offset; i < offset + n; i++) {
            x[i] = (float) Math.exp(x[i] - max);
            sum += x[i];
        }
        float scale = (float) (1 / sum);
        for (int i = offset; i < offset + n; i++) {
            x[i] *= scale;
        }
    }

    @Override
    public void gelu(float[] x, int offset, int n) {
        for (int i = offset; i < offset + n; i++) {
            x[i] = (float) (0.5 * x[i] * Erfc.of(-x[i] * SQRT_HALF));
        }
    }

    @Override
    public void geluTanh(float[] x, int offset, int n) {
        for (int i = offset; i < offset + n; i++) {
            double v = x[i];
            x[i] = (float) (0.5 * v * (1 + Math.tanh(SQRT_2_OVER_PI * (v + 0.044715 * v * v * v))));
        }
    }

    @Override
    public void sigmoidGate(float[] x, int offset, int n, float factor) {
        for (int i = offset; i < offset + n; i++) {
            x[i] = (float) (x[i] / (1 + Math.exp(-factor * (double) x[i])));
        }
    }

    @Override
    public void relu(float[] x, int offset, int n) {
        for (int i = offset; i < offset + n; i++) {
            x[i] = Math.max(x[i], 0f);
        }
    }

    @Override
    public void attention(Rows q, int queries, Rows k, Rows v, int keys, int headDim, float[] scores, Rows out) {
        for (int i = 0; i < queries; i++) {
            for (int j = 0; j < keys; j++) {
                scores[i * keys + j] += dot(q.data(), q.row(i), k.data(), k.row(j), headDim);
            }
            softmax(scores, i * keys, keys);
            Arrays.fill(out.data(), out.row(i), out.row(i) + headDim, 0f);
            for (int j = 0; j < keys; j++) {
                float probability = scores[i * keys + j];
                for (int d = 0; d < headDim; d++) {
                    out.data()[out.row(i) + d] += probability * v.data()[v.row(j) + d];
                }
            }
        }
    }

    @Override
    public String toString() {
        return "scalar";
    }
}
