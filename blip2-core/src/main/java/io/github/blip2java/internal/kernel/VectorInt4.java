/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.Lanes.F;
import static io.github.blip2java.internal.kernel.Lanes.L;
import static io.github.blip2java.internal.kernel.Lanes.WHOLE_B;
import static io.github.blip2java.internal.kernel.Lanes.WHOLE_S;
import static io.github.blip2java.internal.kernel.Lanes.bf16;
import static io.github.blip2java.internal.kernel.Lanes.total;
import static io.github.blip2java.internal.kernel.Lanes.widened;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Products of few rows with weights of 4 bits, in whole numbers: sixteen products of at most 15 · 127 are within 16 bits. */
final class VectorInt4 implements Int4Kernel {
    private static final int X = Int4Activations.VECTOR;
    private static final short LOW = 15;

    private static final Scratch<short[]> SUMS = Scratch.of(short[]::new);
    private static final Scratch<byte[]> CODES = Scratch.of(byte[]::new);
    private static final Scratch<byte[]> SCALES_OFFSETS = Scratch.of(byte[]::new);
    private static final Scratch<short[]> POINTS = Scratch.of(short[]::new);
    private static final Scratch<float[]> SCALES = Scratch.of(float[]::new);

    @Override
    public void multiply(StoredInt4Rows w, Int4Activations x, float[] y, int out) {
        if (x.panelCount() > 0) {
            Int4Rows two = Int4Rows.zeros(2, w.blocks());
            for (int o = w.from(); o < w.to(); o += 2) {
                int count = Math.min(2, w.to() - o);
                w.copyRows(o, count, two);
                for (int panel = 0; panel < x.panelCount(); panel++) {
                    twoByFive(x, panel, two, count, y, out, o);
                }
            }
        }
        if (x.single() == x.rows) {
            return;
        }
        int codeBytes = w.blocks() * Int4Rows.BLOCK_BYTES;
        int scaleBytes = w.blocks() * Int4Rows.BLOCK_GROUPS * 2 * Short.BYTES;
        Object codes = Mapped.IN_PLACE ? Mapped.memory(w.codes()) : CODES.get(codeBytes);
        Object scalesOffsets = Mapped.IN_PLACE ? Mapped.memory(w.scalesOffsets()) : SCALES_OFFSETS.get(scaleBytes);
        for (int o = w.from(); o < w.to(); o++) {
            int row = o;
            if (!Mapped.IN_PLACE) {
                w.codes().get(o * codeBytes, (byte[]) codes, 0, codeBytes);
                w.scalesOffsets().get(o * scaleBytes, (byte[]) scalesOffsets, 0, scaleBytes);
                row = 0;
            }
            for (int r = x.single(); r < x.rows; r++) {
                y[r * out + o] = dot(x, r, codes, scalesOffsets, row, w.blocks());
            }
        }
    }

    /** One row, which stands alone, with one of the matrix. */
    private static float dot(Int4Activations a, int aRow, Object codes, Object scalesOffsets, int row, int blocks) {
        int rowGroups = blocks * Int4Rows.BLOCK_GROUPS;
        int weights = row * blocks * Int4Rows.BLOCK_BYTES;
        int scales = 4 * row * rowGroups;
        int offsets = scales + 2 * rowGroups;
        int inputs = a.codesFrom(aRow);
        int groups = a.groupsFrom(aRow);
        FloatVector sum = FloatVector.zero(F);
        for (int block = 0; block < blocks; block++) {
            for (int lane = 0; lane < Int4Rows.BLOCK_GROUPS; lane += L) {
                int w = weights + block * Int4Rows.BLOCK_BYTES + 4 * lane;
                int x = inputs + block * Int4Rows.BLOCK + 2 * lane;
                ShortVector s = ShortVector.zero(WHOLE_S);
                ShortVector t = ShortVector.zero(WHOLE_S);
                for (int word = 0; word < Int4Rows.WORDS; word++) {
                    ShortVector v = Mapped.wholeShorts(codes, w + word * Int4Rows.WORD_STRIDE);
                    int from = x + word * 4 * X;
                    s = s.add(v.and(LOW).mul(ShortVector.fromArray(WHOLE_S, a.codes, from)));
                    t = t.add(v.lanewise(VectorOperators.LSHR, 4)
                            .and(LOW)
                            .mul(ShortVector.fromArray(WHOLE_S, a.codes, from + X)));
                    s = s.add(v.lanewise(VectorOperators.LSHR, 8)
                            .and(LOW)
                            .mul(ShortVector.fromArray(WHOLE_S, a.codes, from + 2 * X)));
                    t = t.add(v.lanewise(VectorOperators.LSHR, 12)
                            .mul(ShortVector.fromArray(WHOLE_S, a.codes, from + 3 * X)));
                }
                int g = block * Int4Rows.BLOCK_GROUPS + lane;
                FloatVector scale = bf16(widened(scalesOffsets, scales + 2 * g))
                        .mul(FloatVector.fromArray(F, a.scales, groups + g));
                sum = groupSums(s.add(t)).fma(scale, sum);
                sum = bf16(widened(scalesOffsets, offsets + 2 * g))
                        .fma(FloatVector.fromArray(F, a.sums, groups + g), sum);
            }
        }
        return total(sum);
    }

    /**
     * Columns o and o + 1, or only the first if count is 1, of five rows of y.
     *
     * <p>Products and scales are two loops because the compiler gives up on the vectors of a longer one.
     */
    static void twoByFive(Int4Activations x, int panel, Int4Rows w, int count, float[] y, int out, int o) {
        int groups = w.groups();
        int first = panel * FewRows.PANEL_ROWS;
        short[] sums = SUMS.get(2 * FewRows.PANEL_ROWS * 2 * groups);
        float[] scales = SCALES.get(2 * groups);
        products(x.codes, x.codesFrom(first), w, sums);
        for (int i = 0; i < count; i++) {
            for (int g = 0; g < 2 * groups; g += L) {
                bf16(widened(w.scalesOffsets(), w.scalesFrom(i) + g)).intoArray(scales, g);
            }
            for (int r = first; r < Math.min(x.rows, first + FewRows.PANEL_ROWS); r++) {
                int from = (i * FewRows.PANEL_ROWS + r - first) * 2 * groups;
                y[r * out + o + i] = scaled(sums, from, x, x.groupsFrom(r), scales, groups);
            }
        }
    }

    /** For two rows of weights and five of codes, the sum of products of each half of each group. */
    private static void products(short[] codes, int first, Int4Rows w, short[] sums) {
        int next = w.codesFrom(1);
        int row = 2 * w.groups();
        for (int block = 0; block < w.blocks(); block++) {
            for (int lane = 0; lane < Int4Rows.BLOCK_GROUPS; lane += L) {
                ShortVector s0 = ShortVector.zero(WHOLE_S);
                ShortVector s1 = ShortVector.zero(WHOLE_S);
                ShortVector s2 = ShortVector.zero(WHOLE_S);
                ShortVector s3 = ShortVector.zero(WHOLE_S);
                ShortVector s4 = ShortVector.zero(WHOLE_S);
                ShortVector t0 = ShortVector.zero(WHOLE_S);
                ShortVector t1 = ShortVector.zero(WHOLE_S);
                ShortVector t2 = ShortVector.zero(WHOLE_S);
                ShortVector t3 = ShortVector.zero(WHOLE_S);
                ShortVector t4 = ShortVector.zero(WHOLE_S);
                for (int word = 0; word < Int4Rows.WORDS; word++) {
                    int at = block * Int4Rows.BLOCK_BYTES + word * Int4Rows.WORD_STRIDE + 4 * lane;
                    ShortVector u = ByteVector.fromArray(WHOLE_B, w.codes(), at).reinterpretAsShorts();
                    ShortVector v =
                            ByteVector.fromArray(WHOLE_B, w.codes(), next + at).reinterpretAsShorts();
                    int from = first + (block * Int4Rows.BLOCK + word * 4 * X) * FewRows.PANEL_ROWS + 2 * lane;
                    for (int nibble = 0; nibble < 4; nibble++) {
                        ShortVector a = u.and(LOW);
                        ShortVector b = v.and(LOW);
                        ShortVector x = ShortVector.fromArray(WHOLE_S, codes, from);
                        s0 = s0.add(a.mul(x));
                        t0 = t0.add(b.mul(x));
                        x = ShortVector.fromArray(WHOLE_S, codes, from + X);
                        s1 = s1.add(a.mul(x));
                        t1 = t1.add(b.mul(x));
                        x = ShortVector.fromArray(WHOLE_S, codes, from + 2 * X);
                        s2 = s2.add(a.mul(x));
                        t2 = t2.add(b.mul(x));
                        x = ShortVector.fromArray(WHOLE_S, codes, from + 3 * X);
                        s3 = s3.add(a.mul(x));
                        t3 = t3.add(b.mul(x));
                        x = ShortVector.fromArray(WHOLE_S, codes, from + 4 * X);
                        s4 = s4.add(a.mul(x));
                        t4 = t4.add(b.mul(x));
                        u = u.lanewise(VectorOperators.LSHR, 4);
                        v = v.lanewise(VectorOperators.LSHR, 4);
                        from += FewRows.PANEL_ROWS * X;
                    }
                }
                int to = 2 * (block * Int4Rows.BLOCK_GROUPS + lane);
                s0.intoArray(sums, to);
                s1.intoArray(sums, to + row);
                s2.intoArray(sums, to + 2 * row);
                s3.intoArray(sums, to + 3 * row);
                s4.intoArray(sums, to + 4 * row);
                t0.intoArray(sums, to + 5 * row);
                t1.intoArray(sums, to + 6 * row);
                t2.intoArray(sums, to + 7 * row);
                t3.intoArray(sums, to + 8 * row);
                t4.intoArray(sums, to + 9 * row);
            }
        }
    }

    /** Σ over groups of sum · scale of the weights · scale of the activations, and of offset · sum of the activations. */
    private static float scaled(short[] sums, int from, Int4Activations x, int xGroups, float[] scales, int groups) {
        FloatVector sum = FloatVector.zero(F);
        for (int g = 0; g < groups; g += L) {
            FloatVector scale =
                    FloatVector.fromArray(F, scales, g).mul(FloatVector.fromArray(F, x.scales, xGroups + g));
            sum = groupSums(ShortVector.fromArray(WHOLE_S, sums, from + 2 * g)).fma(scale, sum);
            sum = FloatVector.fromArray(F, scales, groups + g).fma(FloatVector.fromArray(F, x.sums, xGroups + g), sum);
        }
        return total(sum);
    }

    /** Adds both halves of each int lane, which belong to one group. */
    private static FloatVector groupSums(ShortVector halves) {
        IntVector pairs = halves.reinterpretAsInts();
        IntVector sums = pairs.lanewise(VectorOperators.LSHL, 16)
                .lanewise(VectorOperators.ASHR, 16)
                .add(pairs.lanewise(VectorOperators.ASHR, 16));
        return (FloatVector) sums.convert(VectorOperators.I2F, 0);
    }

    @Override
    public void widen(Int4Rows weights, int row, float[] out, int outFrom) {
        for (int group = 0; group < weights.groups(); group += L) {
            FloatVector scale = bf16(widened(weights.scalesOffsets(), weights.scalesFrom(row) + group));
            FloatVector offset = bf16(widened(weights.scalesOffsets(), weights.offsetsFrom(row) + group));
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

    @Override
    public void narrow(Int4Rows weights, int row, float highest, short[] out) {
        float factor = ScalarInt4.fixedPoint(highest);
        int groups = weights.groups();
        int first = weights.scalesFrom(row);
        short[] points = POINTS.get(4 * groups);
        for (int i = 0; i < 2 * groups; i += L) {
            // Half a code is added to offsets, so that codes are rounded and not cut.
            IntVector point = bf16(widened(weights.scalesOffsets(), first + i))
                    .mul(factor)
                    .add(ScalarKernels.ROUNDER + (i < groups ? 0 : ScalarInt4.HALF))
                    .reinterpretAsInts();
            point.and(0xffff)
                    .or(point.lanewise(VectorOperators.LSHL, 16))
                    .reinterpretAsShorts()
                    .intoArray(points, 2 * i);
        }
        narrow(weights.codes(), weights.codesFrom(row), points, groups, out);
    }

    /**
     * Codes from scales and offsets of all groups, each in both halves of its lane.
     * A loop apart from the first because the compiler gives up on the vectors of a longer one.
     */
    private static void narrow(byte[] codes, int codesFrom, short[] points, int groups, short[] out) {
        ShortVector low = ShortVector.broadcast(WHOLE_S, LOW);
        ShortVector high = ShortVector.broadcast(WHOLE_S, (short) 0xff00);
        for (int group = 0; group < groups; group += L) {
            ShortVector scale = ShortVector.fromArray(WHOLE_S, points, 2 * group);
            ShortVector offset = ShortVector.fromArray(WHOLE_S, points, 2 * (groups + group));
            int from = codesFrom + Int4Rows.firstByte(group);
            int to = group / Int4Rows.BLOCK_GROUPS * Int4Rows.BLOCK / 2 + group % Int4Rows.BLOCK_GROUPS * 2;
            for (int word = 0; word < Int4Rows.WORDS; word++) {
                ShortVector v = ByteVector.fromArray(WHOLE_B, codes, from).reinterpretAsShorts();
                ShortVector c0 = v.and(low).mul(scale).add(offset).lanewise(VectorOperators.LSHR, 8);
                ShortVector c1 = v.lanewise(VectorOperators.LSHR, 4)
                        .and(low)
                        .mul(scale)
                        .add(offset)
                        .and(high);
                ShortVector c2 = v.lanewise(VectorOperators.LSHR, 8)
                        .and(low)
                        .mul(scale)
                        .add(offset)
                        .lanewise(VectorOperators.LSHR, 8);
                ShortVector c3 = v.lanewise(VectorOperators.LSHR, 12)
                        .mul(scale)
                        .add(offset)
                        .and(high);
                c0.or(c1).intoArray(out, to);
                c2.or(c3).intoArray(out, to + 2 * Int4Rows.BLOCK_GROUPS);
                from += Int4Rows.WORD_STRIDE;
                to += 4 * Int4Rows.BLOCK_GROUPS;
            }
        }
    }
}
