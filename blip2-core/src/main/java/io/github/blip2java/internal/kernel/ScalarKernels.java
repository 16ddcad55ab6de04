/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.util.Arrays;

/** The kernels in plain Java: the yardstick of the others, and the fallback. Sums are kept in double. */
final class ScalarKernels implements Kernels {
    /** Added to a number below 2^22, it rounds it, and leaves it in the lowest bits. */
    static final float ROUNDER = 0x1.8p23f;

    private static final Int4Kernel INT4 = new ScalarInt4();

    private static final double SQRT_HALF = Math.sqrt(0.5);
    private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
        return sum(a, aOffset, b, bOffset, n);
    }

    static float sum(float[] a, int aOffset, float[] b, int bOffset, int n) {
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
            out[outFrom + i] = ScalarFormat.half(bits[i]);
        }
    }

    @Override
    public WeightKernel f32() {
        return ScalarFormat.F32;
    }

    @Override
    public WeightKernel f16() {
        return ScalarFormat.F16;
    }

    @Override
    public WeightKernel bf16() {
        return ScalarFormat.BF16;
    }

    @Override
    public WeightKernel int8() {
        return ScalarFormat.INT8;
    }

    @Override
    public Int4Kernel int4() {
        return INT4;
    }

    @Override
    public boolean readInPlace() {
        return false;
    }

    @Override
    public FewRows fewRows(float[] x, int rows, int width, int fewest) {
        // Nothing here reads panels.
        return new FewRows(x, rows, width, Integer.MAX_VALUE, 1);
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
    static void normalize(
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
