/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels on the Vector API. What has no loop worth the trouble is inherited.
 *
 * <p>Loaded by name, see {@link KernelChoice}.
 */
class VectorKernels extends ScalarKernels {
    static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    static final VectorSpecies<Integer> I = F.vectorShape() == VectorShape.S_64_BIT
            ? IntVector.SPECIES_64
            : VectorSpecies.of(int.class, F.vectorShape());
    /** As many shorts as {@link #I} has lanes. */
    static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));

    /** As many bytes as {@link #F} has lanes, or the shortest vector there is. */
    static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, F.vectorBitSize() / 4)));

    static final VectorSpecies<Byte> WHOLE_B = VectorSpecies.of(byte.class, F.vectorShape());
    static final VectorSpecies<Short> WHOLE_S = VectorSpecies.of(short.class, F.vectorShape());

    static final int L = F.length();

    private static final float LOG2_E = 1.44269504f;
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    private static final float LOWEST_EXPONENT = -87.3f;

    /** Magnitude of an infinite half; NaN have larger ones. */
    static final int INFINITE_HALF = 0x7c00;

    /** The sum of all lanes. */
    static float total(FloatVector sums) {
        return sums.reduceLanes(VectorOperators.ADD);
    }

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
        super.add(x, xOffset + i, y, yOffset + i, n - i);
    }

    @Override
    public void widenBf16(short[] bits, float[] out, int outFrom, int n) {
        int i = 0;
        for (; i <= n - L; i += L) {
            bf16(bits, i).intoArray(out, outFrom + i);
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
            f16(half).intoArray(out, outFrom + i);
        }
        if (beyondHalf(largest)) {
            i = 0;
        }
        for (; i < n; i++) {
            out[outFrom + i] = half(bits[i]);
        }
    }

    @Override
    float dotBf16(float[] a, short[] b, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            s0 = FloatVector.fromArray(F, a, i).fma(bf16(b, i), s0);
            s1 = FloatVector.fromArray(F, a, i + L).fma(bf16(b, i + L), s1);
        }
        float sum = total(s0.add(s1));
        for (; i < n; i++) {
            sum = Math.fma(a[i], Float.intBitsToFloat(b[i] << 16), sum);
        }
        return sum;
    }

    @Override
    float dotF16(float[] a, short[] b, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        IntVector largest = IntVector.zero(I);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            IntVector h0 = widened(b, i);
            IntVector h1 = widened(b, i + L);
            largest = largest.max(magnitude(h0)).max(magnitude(h1));
            s0 = FloatVector.fromArray(F, a, i).fma(f16(h0), s0);
            s1 = FloatVector.fromArray(F, a, i + L).fma(f16(h1), s1);
        }
        if (beyondHalf(largest)) {
            return super.dotF16(a, b, n);
        }
        float sum = total(s0.add(s1));
        for (; i < n; i++) {
            sum = Math.fma(a[i], half(b[i]), sum);
        }
        return sum;
    }

    @Override
    public FewRows fewRows(float[] x, int rows, int width, int fewest) {
        return new FewRows(x, rows, width, fewest, L);
    }

    @Override
    void dots(float[] w, int count, FewRows x, float[] y, int out, int o) {
        int r = 0;
        if (count == FewRows.WEIGHTS) {
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

    @Override
    float dotInt8(float[] a, int aFrom, byte[] b, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        int i = 0;
        // A load of bytes may be longer than L; what it reads too much must still be in the row.
        for (; i <= n - Math.max(4 * L, 3 * L + B.length()); i += 4 * L) {
            s0 = int8(b, i).fma(FloatVector.fromArray(F, a, aFrom + i), s0);
            s1 = int8(b, i + L).fma(FloatVector.fromArray(F, a, aFrom + i + L), s1);
            s2 = int8(b, i + 2 * L).fma(FloatVector.fromArray(F, a, aFrom + i + 2 * L), s2);
            s3 = int8(b, i + 3 * L).fma(FloatVector.fromArray(F, a, aFrom + i + 3 * L), s3);
        }
        return total(s0.add(s1).add(s2.add(s3))) + dotInt8(a, aFrom, b, i, n);
    }

    @Override
    public void widenInt8(byte[] codes, int from, float scale, float[] out, int outFrom, int n) {
        int i = 0;
        for (; i <= n - B.length(); i += L) {
            int8(codes, from + i).mul(scale).intoArray(out, outFrom + i);
        }
        super.widenInt8(codes, from + i, scale, out, outFrom + i, n - i);
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
        return Math.max(most, super.largestMagnitude(x, offset + i, n - i));
    }

    @Override
    public void roundToBytes(float[] x, int offset, float factor, byte[] out, int n) {
        int i = 0;
        for (; i <= n - L && B.length() == L; i += L) {
            IntVector rounded = FloatVector.fromArray(F, x, offset + i)
                    .mul(factor)
                    .add(ROUNDER)
                    .reinterpretAsInts();
            ((ByteVector) rounded.convertShape(VectorOperators.I2B, B, 0)).intoArray(out, i);
        }
        roundToBytes(x, offset, factor, out, i, n);
    }

    /** L bytes as floats. */
    private static FloatVector int8(byte[] codes, int from) {
        return (FloatVector) ByteVector.fromArray(B, codes, from).convertShape(VectorOperators.B2F, F, 0);
    }

    @Override
    void dotsInt4(Int4Rows w, int count, Int4Activations x, float[] y, int out, int o) {
        for (int group = 0; group < x.groups(); group++) {
            VectorInt4.twoByFive(x, group, w, count, y, out, o);
        }
        for (int r = x.single(); r < x.rows; r++) {
            for (int i = 0; i < count; i++) {
                y[r * out + o + i] = VectorInt4.dot(x, r, w, i);
            }
        }
    }

    @Override
    float largestInt4(Int4Rows weights, int row) {
        IntVector largest = IntVector.zero(I);
        for (int group = 0; group < weights.groups(); group += L) {
            FloatVector scale = bf16(weights.scalesOffsets(), weights.scalesFrom(row) + group);
            FloatVector offset = bf16(weights.scalesOffsets(), weights.offsetsFrom(row) + group);
            largest = largest.max(offset.reinterpretAsInts().and(Integer.MAX_VALUE))
                    .max(scale.mul(15).add(offset).reinterpretAsInts().and(Integer.MAX_VALUE));
        }
        return Float.intBitsToFloat(largest.reduceLanes(VectorOperators.MAX));
    }

    @Override
    void narrowInt4(Int4Rows weights, int row, float inverse, byte[] out) {
        if (B.length() != L) {
            super.narrowInt4(weights, row, inverse, out);
            return;
        }
        for (int group = 0; group < weights.groups(); group += L) {
            FloatVector scale = bf16(weights.scalesOffsets(), weights.scalesFrom(row) + group)
                    .mul(inverse);
            FloatVector offset = bf16(weights.scalesOffsets(), weights.offsetsFrom(row) + group)
                    .mul(inverse);
            int from = weights.codesFrom(row) + Int4Rows.firstByte(group);
            int to = Int4Rows.place(group * Int4Rows.GROUP);
            for (int word = 0; word < Int4Rows.WORDS; word++) {
                IntVector v = ByteVector.fromArray(WHOLE_B, weights.codes(), from + word * Int4Rows.WORD_STRIDE)
                        .reinterpretAsInts();
                for (int nibble = 0; nibble < 8; nibble++) {
                    FloatVector code = (FloatVector) v.and(15).convert(VectorOperators.I2F, 0);
                    // The rounder leaves the whole number in the lowest bits.
                    IntVector rounded = code.fma(scale, offset).add(ROUNDER).reinterpretAsInts();
                    ((ByteVector) rounded.convertShape(VectorOperators.I2B, B, 0))
                            .intoArray(out, to + (8 * word + nibble) * Int4Rows.BLOCK_GROUPS);
                    v = v.lanewise(VectorOperators.LSHR, 4);
                }
            }
        }
    }

    @Override
    public void widenInt4(Int4Rows weights, int row, float[] out, int outFrom) {
        for (int group = 0; group < weights.groups(); group += L) {
            FloatVector scale = bf16(weights.scalesOffsets(), weights.scalesFrom(row) + group);
            FloatVector offset = bf16(weights.scalesOffsets(), weights.offsetsFrom(row) + group);
            int from = weights.codesFrom(row) + Int4Rows.firstByte(group);
            int to = outFrom + Int4Rows.place(group * Int4Rows.GROUP);
            for (int word = 0; word < Int4Rows.WORDS; word++) {
                IntVector v = ByteVector.fromArray(WHOLE_B, weights.codes(), from + word * Int4Rows.WORD_STRIDE)
                        .reinterpretAsInts();
                for (int nibble = 0; nibble < 8; nibble++) {
                    FloatVector code = (FloatVector) v.and(15).convert(VectorOperators.I2F, 0);
                    code.fma(scale, offset).intoArray(out, to + (8 * word + nibble) * Int4Rows.BLOCK_GROUPS);
                    v = v.lanewise(VectorOperators.LSHR, 4);
                }
            }
        }
    }

    static FloatVector bf16(short[] bits, int from) {
        return bf16(widened(bits, from));
    }

    static FloatVector bf16(IntVector bits) {
        return bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    /**
     * Sign-extended halves as floats; infinities and NaN come out finite, so callers ask {@link #beyondHalf} about them.
     *
     * <p>Shifted by 13, sign and magnitude are in their places once the copies of the sign between them are masked out; scaling
     * by 2^112 moves the exponent's bias from 15 to 127.
     */
    static FloatVector f16(IntVector bits) {
        return bits.lanewise(VectorOperators.LSHL, 13)
                .and(0x8fffe000)
                .reinterpretAsFloats()
                .mul(0x1p112f);
    }

    /** As whole numbers, because a maximum of floats costs several instructions. */
    static IntVector magnitude(IntVector bits) {
        return bits.and(0x7fff);
    }

    static boolean beyondHalf(IntVector largestMagnitudes) {
        return largestMagnitudes.reduceLanes(VectorOperators.MAX) >= INFINITE_HALF;
    }

    private static IntVector widened(short[] bits, int from) {
        return (IntVector) ShortVector.fromArray(S, bits, from).convertShape(VectorOperators.S2I, I, 0);
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

    @Override
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
        if (weight == null || bias == null) {
            super.normalize(x, xOffset, n, mean, scale, weight, bias, y, yOffset);
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
            highest = highest.max(FloatVector.fromArray(F, x, offset + i));
        }
        float max = highest.reduceLanes(VectorOperators.MAX);
        for (; i < n; i++) {
            max = Math.max(max, x[offset + i]);
        }
        if (max == Float.NEGATIVE_INFINITY) {
            Arrays.fill(x, offset, offset + n, 0f);
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
        FloatVector bounded = x.max(LOWEST_EXPONENT);
        // x = n ln 2 + r with |r| ≤ ln 2 / 2; adding and subtracting 1.5 · 2^23 rounds to a whole number.
        FloatVector shifted = bounded.mul(LOG2_E).add(ROUNDER);
        FloatVector n = shifted.sub(ROUNDER);
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
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, offset + i);
            FloatVector z = v.mul(0.70710678f).abs();
            FloatVector t = FloatVector.broadcast(F, 1f).div(z.mul(0.5f).add(1f));
            FloatVector poly = FloatVector.broadcast(F, Erfc.COEFFICIENTS[9]);
            for (int c = 8; c >= 0; c--) {
                poly = poly.fma(t, FloatVector.broadcast(F, Erfc.COEFFICIENTS[c]));
            }
            FloatVector tail = t.mul(exp(poly.sub(z.mul(z)))); // erfc(z)
            VectorMask<Float> negative = v.compare(VectorOperators.LT, 0f);
            FloatVector cdf = FloatVector.broadcast(F, 2f).sub(tail).blend(tail, negative);
            v.mul(0.5f).mul(cdf).intoArray(x, offset + i);
        }
        super.gelu(x, offset + i, n - i);
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
