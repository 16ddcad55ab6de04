/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.VectorKernels.F;
import static io.github.blip2java.internal.kernel.VectorKernels.L;
import static io.github.blip2java.internal.kernel.VectorKernels.WHOLE_B;
import static io.github.blip2java.internal.kernel.VectorKernels.WHOLE_S;
import static io.github.blip2java.internal.kernel.VectorKernels.bf16;
import static io.github.blip2java.internal.kernel.VectorKernels.total;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Products of few rows with weights of 4 bits, in whole numbers: sixteen products of at most 15 · 127 are within 16 bits. */
final class VectorInt4 {
    static final int X = Int4Activations.VECTOR;
    static final short LOW = 15;

    private static final Scratch<short[]> SUMS = Scratch.of(short[]::new);
    private static final Scratch<float[]> SCALES = Scratch.of(float[]::new);

    private VectorInt4() {}

    /** One row, which stands alone, with one of the matrix. */
    static float dot(Int4Activations a, int aRow, Int4Rows b, int bRow) {
        int weights = b.codesFrom(bRow);
        int inputs = a.codesFrom(aRow);
        int scales = b.scalesFrom(bRow);
        int offsets = b.offsetsFrom(bRow);
        int groups = a.groupsFrom(aRow);
        FloatVector sum = FloatVector.zero(F);
        for (int block = 0; block < b.blocks(); block++) {
            // As many groups at a time as a vector has int lanes.
            for (int lane = 0; lane < Int4Rows.BLOCK_GROUPS; lane += L) {
                int w = weights + block * Int4Rows.BLOCK_BYTES + 4 * lane;
                int x = inputs + block * Int4Rows.BLOCK + 2 * lane;
                ShortVector s = ShortVector.zero(WHOLE_S);
                ShortVector t = ShortVector.zero(WHOLE_S);
                for (int word = 0; word < Int4Rows.WORDS; word++) {
                    ShortVector v = ByteVector.fromArray(WHOLE_B, b.codes(), w + word * Int4Rows.WORD_STRIDE)
                            .reinterpretAsShorts();
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
                FloatVector scale =
                        bf16(b.scalesOffsets(), scales + g).mul(FloatVector.fromArray(F, a.scales, groups + g));
                sum = groupSums(s.add(t)).fma(scale, sum);
                sum = bf16(b.scalesOffsets(), offsets + g).fma(FloatVector.fromArray(F, a.sums, groups + g), sum);
            }
        }
        return total(sum);
    }

    /**
     * Columns o and o + 1, or only the first if count is 1, of five rows of y.
     *
     * <p>Products and scales are two loops because the compiler gives up on the vectors of a longer one.
     */
    static void twoByFive(Int4Activations x, int group, Int4Rows w, int count, float[] y, int out, int o) {
        int groups = w.groups();
        int first = group * FewRows.GROUP;
        short[] sums = SUMS.get(2 * FewRows.GROUP * 2 * groups);
        float[] scales = SCALES.get(2 * groups);
        products(x.codes, x.codesFrom(first), w, sums);
        for (int i = 0; i < count; i++) {
            for (int g = 0; g < 2 * groups; g += L) {
                bf16(w.scalesOffsets(), w.scalesFrom(i) + g).intoArray(scales, g);
            }
            for (int r = first; r < Math.min(x.rows, first + FewRows.GROUP); r++) {
                int from = (i * FewRows.GROUP + r - first) * 2 * groups;
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
                    int from = first + (block * Int4Rows.BLOCK + word * 4 * X) * FewRows.GROUP + 2 * lane;
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
                        from += FewRows.GROUP * X;
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
    static FloatVector groupSums(ShortVector halves) {
        IntVector pairs = halves.reinterpretAsInts();
        IntVector sums = pairs.lanewise(VectorOperators.LSHL, 16)
                .lanewise(VectorOperators.ASHR, 16)
                .add(pairs.lanewise(VectorOperators.ASHR, 16));
        return (FloatVector) sums.convert(VectorOperators.I2F, 0);
    }
}
