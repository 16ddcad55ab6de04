/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.Lanes.B;
import static io.github.blip2java.internal.kernel.Lanes.F;
import static io.github.blip2java.internal.kernel.Lanes.I;
import static io.github.blip2java.internal.kernel.Lanes.L;
import static io.github.blip2java.internal.kernel.Lanes.beyondHalf;
import static io.github.blip2java.internal.kernel.Lanes.magnitude;
import static io.github.blip2java.internal.kernel.Lanes.total;
import static io.github.blip2java.internal.kernel.Lanes.widened;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * The kernels on the Vector API.
 *
 * <p>Loaded by name, see {@link KernelChoice}.
 */
final class VectorKernels implements Kernels {
    /** For what has no loop worth the trouble, and for what is left over beyond whole vectors. */
    private static final ScalarKernels SCALAR = new ScalarKernels();

    private static final WeightKernel F32 = VectorFormat.F32.loops();
    private static final WeightKernel F16 = VectorFormat.F16.loops();
    private static final WeightKernel BF16 = VectorFormat.BF16.loops();
    private static final WeightKernel INT8 = VectorFormat.INT8.loops();
    private static final Int4Kernel INT4 = new VectorInt4();

    private static final float LOG2_E = 1.44269504f;
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    private static final float LOWEST_EXPONENT = -87.3f;

    /** e^x of more is infinite, or nearly. */
    private static final float HIGHEST_EXPONENT = 88f;

    private static final float SQRT_2_OVER_PI = 0.7978845608f;

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - 4 * L; i += 4 * L) {
            s0 = FloatVector.fromArray(F, a, aOffset + i).fma(FloatVector.fromArray(F, b, bOffset + i), s0);
            s1 = FloatVector.fromArray(F, a, aOffset + i + L).fma(FloatVector.fromArray(F, b, bOffset + i + L), s1);
            s2 = FloatVector.fromArray(F, a, aOffset + i + 2 * L)
                    .fma(FloatVector.fromArray(F, b, bOffset + i + 2 * L), s2);
            s3 = FloatVector.fromArray(F, a, aOffset + i + 3 * L)
                    .fma(FloatVector.fromArray(F, b, bOffset + i + 3 * L), s3);
        }
        for (; i <= n - L; i += L) {
            s0 = FloatVector.fromArray(F, a, aOffset + i).fma(FloatVector.fromArray(F, b, bOffset + i), s0);
        }
        float sum = total(s0.add(s1).add(s2.add(s3)));
        for (; i < n; i++) {
            sum = Math.fma(a[aOffset + i], b[bOffset + i], sum);
        }
        return sum;
    }

    @Override
    public void add(float[] x, int xOffset, float[] y, int yOffset, int n) {
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector.fromArray(F, x, xOffset + i)
                    .add(FloatVector.fromArray(F, y, yOffset + i))
                    .intoArray(y, yOffset + i);
        }
        SCALAR.add(x, xOffset + i, y, yOffset + i, n - i);
    }

    @Override
    public void widenBf16(short[] bits, float[] out, int outFrom, int n) {
        int i = 0;
        for (; i <= n - L; i += L) {
            Lanes.bf16(widened(bits, i)).intoArray(out, outFrom + i);
        }
        for (; i < n; i++) {
            out[outFrom + i] = Float.intBitsToFloat(bits[i] << 16);
        }
    }

    @Override
    public void widenF16(short[] bits, float[] out, int outFrom, int n) {
        IntVector largest = IntVector.zero(I);
        int i = 0;
        for (; i <= n - L; i += L) {
            IntVector half = widened(bits, i);
            largest = largest.max(magnitude(half));
            Lanes.f16(half).intoArray(out, outFrom + i);
        }
        if (beyondHalf(largest)) {
            i = 0;
        }
        for (; i < n; i++) {
            out[outFrom + i] = ScalarFormat.half(bits[i]);
        }
    }

    @Override
    public WeightKernel f32() {
        return F32;
    }

    @Override
    public WeightKernel f16() {
        return F16;
    }

    @Override
    public WeightKernel bf16() {
        return BF16;
    }

    @Override
    public WeightKernel int8() {
        return INT8;
    }

    @Override
    public Int4Kernel int4() {
        return INT4;
    }

    @Override
    public boolean readInPlace() {
        return Mapped.IN_PLACE;
    }

    @Override
    public FewRows fewRows(float[] x, int rows, int width, int fewest) {
        return new FewRows(x, rows, width, fewest, L);
    }

    @Override
    public float largestMagnitude(float[] x, int offset, int n) {
        // As whole numbers, because a maximum of floats costs several instructions; NaN has the largest bits.
        IntVector largest = IntVector.zero(I);
        int i = 0;
        for (; i <= n - L; i += L) {
            largest = largest.max(
                    FloatVector.fromArray(F, x, offset + i).reinterpretAsInts().and(Integer.MAX_VALUE));
        }
        float most = Float.intBitsToFloat(largest.reduceLanes(VectorOperators.MAX));
        return Math.max(most, SCALAR.largestMagnitude(x, offset + i, n - i));
    }

    @Override
    public void roundToBytes(float[] x, int offset, float factor, byte[] out, int n) {
        int i = 0;
        for (; i <= n - L && B.length() == L; i += L) {
            IntVector rounded = FloatVector.fromArray(F, x, offset + i)
                    .mul(factor)
                    .add(ScalarKernels.ROUNDER)
                    .reinterpretAsInts();
            ((ByteVector) rounded.convertShape(VectorOperators.I2B, B, 0)).intoArray(out, i);
        }
        ScalarKernels.roundToBytes(x, offset, factor, out, i, n);
    }

    @Override
    public void layerNorm(
            float[] x, int xOffset, int n, float[] weight, float[] bias, float eps, float[] y, int yOffset) {
        FloatVector sums = FloatVector.zero(F);
        int whole = n / L * L;
        for (int i = 0; i < whole; i += L) {
            sums = sums.add(FloatVector.fromArray(F, x, xOffset + i));
        }
        double sum = total(sums);
        for (int i = whole; i < n; i++) {
            sum += x[xOffset + i];
        }
        float mean = (float) (sum / n);
        FloatVector products = FloatVector.zero(F);
        for (int i = 0; i < whole; i += L) {
            FloatVector d = FloatVector.fromArray(F, x, xOffset + i).sub(mean);
            products = d.fma(d, products);
        }
        double squares = total(products);
        for (int i = whole; i < n; i++) {
            squares += (x[xOffset + i] - mean) * (x[xOffset + i] - mean);
        }
        normalize(x, xOffset, n, mean, (float) (1 / Math.sqrt(squares / n + eps)), weight, bias, y, yOffset);
    }

    /** y = (x − mean) · scale · weight + bias. */
    private static void normalize(
            float[] x,
            int xOffset,
            int n,
            float mean,
            float scale,
            float[] weight,
            float[] bias,
            float[] y,
            int yOffset) {
        if (weight == null || bias == null) {
            ScalarKernels.normalize(x, xOffset, n, mean, scale, weight, bias, y, yOffset);
            return;
        }
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector.fromArray(F, x, xOffset + i)
                    .sub(mean)
                    .mul(scale)
                    .mul(FloatVector.fromArray(F, weight, i))
                    .add(FloatVector.fromArray(F, bias, i))
                    .intoArray(y, yOffset + i);
        }
        for (; i < n; i++) {
            y[yOffset + i] = (x[xOffset + i] - mean) * scale * weight[i] + bias[i];
        }
    }

    @Override
    public void softmax(float[] x, int offset, int n) {
        FloatVector highest = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, offset + i);
            highest = highest.blend(v, v.compare(VectorOperators.GT, highest)); // NaN is none: it is seen in the sum
        }
        float max = highest.reduceLanes(VectorOperators.MAX);
        for (; i < n; i++) {
            max = Math.max(max, x[offset + i]);
        }
        if (max == Float.NEGATIVE_INFINITY) {
            SCALAR.softmax(x, offset, n);
            return;
        }
        FloatVector sums = FloatVector.zero(F);
        for (i = 0; i <= n - L; i += L) {
            FloatVector e = exp(FloatVector.fromArray(F, x, offset + i).sub(max));
            e.intoArray(x, offset + i);
            sums = sums.add(e);
        }
        double sum = total(sums);
        for (; i < n; i++) {
            x[offset + i] = (float) Math.exp(x[offset + i] - max);
            sum += x[offset + i];
        }
        float scale = (float) (1 / sum);
        for (i = 0; i <= n - L; i += L) {
            FloatVector.fromArray(F, x, offset + i).mul(scale).intoArray(x, offset + i);
        }
        for (; i < n; i++) {
            x[offset + i] *= scale;
        }
    }

    /** e^x for x ≤ 88, to about 2 units in the last place; what would be below the smallest normal float becomes 0. */
    private static FloatVector exp(FloatVector x) {
        VectorMask<Float> tiny = x.compare(VectorOperators.LT, LOWEST_EXPONENT);
        FloatVector bounded = x.blend(LOWEST_EXPONENT, tiny); // a maximum of floats would cost several instructions
        // x = n ln 2 + r with |r| ≤ ln 2 / 2; adding and subtracting 1.5 · 2^23 rounds to a whole number.
        FloatVector shifted = bounded.mul(LOG2_E).add(ScalarKernels.ROUNDER);
        FloatVector n = shifted.sub(ScalarKernels.ROUNDER);
        FloatVector r = n.fma(FloatVector.broadcast(F, -LN2_HIGH), bounded);
        r = n.fma(FloatVector.broadcast(F, -LN2_LOW), r);
        // The Taylor series up to r^7 / 7!, whose rest is below 2^-27 here.
        FloatVector p = FloatVector.broadcast(F, 1f / 5040);
        p = p.fma(r, FloatVector.broadcast(F, 1f / 720));
        p = p.fma(r, FloatVector.broadcast(F, 1f / 120));
        p = p.fma(r, FloatVector.broadcast(F, 1f / 24));
        p = p.fma(r, FloatVector.broadcast(F, 1f / 6));
        p = p.fma(r, FloatVector.broadcast(F, 0.5f));
        p = p.fma(r, FloatVector.broadcast(F, 1f));
        p = p.fma(r, FloatVector.broadcast(F, 1f));
        // n lies in the lowest bits already; converting it would have to mind NaN.
        FloatVector power = shifted.reinterpretAsInts()
                .add(127)
                .lanewise(VectorOperators.LSHL, 23)
                .reinterpretAsFloats();
        return p.mul(power).blend(0f, tiny);
    }

    @Override
    public void gelu(float[] x, int offset, int n) {
        int whole = n / L * L;
        for (int i = offset; i < offset + whole; i += L) {
            gelu(FloatVector.fromArray(F, x, i)).intoArray(x, i);
        }
        if (whole < n) {
            float[] rest = rest(x, offset + whole, n - whole);
            gelu(rest, 0, L);
            System.arraycopy(rest, 0, x, offset + whole, n - whole);
        }
    }

    /** A vector of the last elements and zeros: where a row is cut into pieces must not show in the last bits. */
    private static float[] rest(float[] x, int from, int n) {
        float[] rest = new float[L];
        System.arraycopy(x, from, rest, 0, n);
        return rest;
    }

    private static FloatVector gelu(FloatVector x) {
        FloatVector z = x.mul(0.70710678f).abs();
        FloatVector t = FloatVector.broadcast(F, 1f).div(z.mul(0.5f).add(1f));
        FloatVector poly = FloatVector.broadcast(F, Erfc.COEFFICIENTS[9]);
        for (int c = 8; c >= 0; c--) {
            poly = poly.fma(t, FloatVector.broadcast(F, Erfc.COEFFICIENTS[c]));
        }
        FloatVector tail = t.mul(exp(poly.sub(z.mul(z)))); // erfc(z)
        VectorMask<Float> negative = x.compare(VectorOperators.LT, 0f);
        FloatVector cdf = FloatVector.broadcast(F, 2f).sub(tail).blend(tail, negative);
        return x.mul(0.5f).mul(cdf);
    }

    @Override
    public void geluTanh(float[] x, int offset, int n) {
        int whole = n / L * L;
        for (int i = offset; i < offset + whole; i += L) {
            geluTanh(FloatVector.fromArray(F, x, i)).intoArray(x, i);
        }
        if (whole < n) {
            float[] rest = rest(x, offset + whole, n - whole);
            geluTanh(rest, 0, L);
            System.arraycopy(rest, 0, x, offset + whole, n - whole);
        }
    }

    /** As (1 + tanh u) / 2 = 1 / (1 + e^−2u). */
    private static FloatVector geluTanh(FloatVector x) {
        FloatVector cubic = x.mul(x).mul(-2 * SQRT_2_OVER_PI * 0.044715f).add(-2 * SQRT_2_OVER_PI);
        return gated(x, x.mul(cubic));
    }

    @Override
    public void sigmoidGate(float[] x, int offset, int n, float factor) {
        int whole = n / L * L;
        for (int i = offset; i < offset + whole; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            gated(v, v.mul(-factor)).intoArray(x, i);
        }
        if (whole < n) {
            float[] rest = rest(x, offset + whole, n - whole);
            sigmoidGate(rest, 0, L, factor);
            System.arraycopy(rest, 0, x, offset + whole, n - whole);
        }
    }

    /** x / (1 + e^z). */
    private static FloatVector gated(FloatVector x, FloatVector z) {
        VectorMask<Float> huge = z.compare(VectorOperators.GT, HIGHEST_EXPONENT);
        FloatVector sigmoid =
                FloatVector.broadcast(F, 1f).div(exp(z.blend(0f, huge)).add(1f));
        return x.mul(sigmoid.blend(0f, huge));
    }

    @Override
    public void rmsNorm(float[] x, int xOffset, int n, float[] weight, float eps, float[] y, int yOffset) {
        SCALAR.rmsNorm(x, xOffset, n, weight, eps, y, yOffset);
    }

    @Override
    public void relu(float[] x, int offset, int n) {
        SCALAR.relu(x, offset, n);
    }

    @Override
    public void attention(Rows q, int queries, Rows k, Rows v, int keys, int headDim, float[] scores, Rows out) {
        if (queries < VectorAttention.ROWS) {
            for (int i = 0; i < queries; i++) {
                for (int j = 0; j < keys; j++) {
                    scores[i * keys + j] += dot(q.data(), q.row(i), k.data(), k.row(j), headDim);
                }
                softmax(scores, i * keys, keys);
                VectorAttention.mix(scores, i * keys, v, keys, headDim, out.data(), out.row(i));
            }
            return;
        }
        Rows s = VectorAttention.scores(q, queries, k, keys, headDim);
        for (int i = 0; i < queries; i++) {
            add(s.data(), s.row(i), scores, i * keys, keys);
            softmax(scores, i * keys, keys);
        }
        VectorAttention.mix(new Rows(scores, 0, keys), queries, v, keys, headDim, out);
    }

    @Override
    public String toString() {
        return F.vectorBitSize() + " bits";
    }
}
