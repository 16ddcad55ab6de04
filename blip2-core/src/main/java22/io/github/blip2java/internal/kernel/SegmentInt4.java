/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.SegmentKernels.LITTLE;
import static io.github.blip2java.internal.kernel.SegmentKernels.widened;
import static io.github.blip2java.internal.kernel.VectorInt4.LOW;
import static io.github.blip2java.internal.kernel.VectorInt4.X;
import static io.github.blip2java.internal.kernel.VectorInt4.groupSums;
import static io.github.blip2java.internal.kernel.VectorKernels.F;
import static io.github.blip2java.internal.kernel.VectorKernels.L;
import static io.github.blip2java.internal.kernel.VectorKernels.WHOLE_S;
import static io.github.blip2java.internal.kernel.VectorKernels.bf16;
import static io.github.blip2java.internal.kernel.VectorKernels.total;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Products of rows that stand alone with mapped weights of 4 bits: {@link VectorInt4#dot} without a copy. */
final class SegmentInt4 {
    private SegmentInt4() {}

    static void multiply(StoredInt4Rows w, Int4Activations x, float[] y, int out) {
        MemorySegment codes = MemorySegment.ofBuffer(w.codes());
        MemorySegment scalesOffsets = MemorySegment.ofBuffer(w.scalesOffsets());
        for (int o = w.from(); o < w.to(); o++) {
            for (int r = 0; r < x.rows; r++) {
                y[r * out + o] = dot(x, r, codes, scalesOffsets, o, w.blocks());
            }
        }
    }

    private static float dot(
            Int4Activations a, int aRow, MemorySegment codes, MemorySegment scalesOffsets, int row, int blocks) {
        int rowGroups = blocks * Int4Rows.BLOCK_GROUPS;
        long weights = (long) row * blocks * Int4Rows.BLOCK_BYTES;
        long scales = 4L * row * rowGroups;
        long offsets = scales + 2L * rowGroups;
        int inputs = a.codesFrom(aRow);
        int groups = a.groupsFrom(aRow);
        FloatVector sum = FloatVector.zero(F);
        for (int block = 0; block < blocks; block++) {
            for (int lane = 0; lane < Int4Rows.BLOCK_GROUPS; lane += L) {
                long w = weights + block * Int4Rows.BLOCK_BYTES + 4 * lane;
                int x = inputs + block * Int4Rows.BLOCK + 2 * lane;
                ShortVector s = ShortVector.zero(WHOLE_S);
                ShortVector t = ShortVector.zero(WHOLE_S);
                for (int word = 0; word < Int4Rows.WORDS; word++) {
                    ShortVector v =
                            ShortVector.fromMemorySegment(WHOLE_S, codes, w + word * Int4Rows.WORD_STRIDE, LITTLE);
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
                FloatVector scale = bf16(widened(scalesOffsets, scales + 2L * g))
                        .mul(FloatVector.fromArray(F, a.scales, groups + g));
                sum = groupSums(s.add(t)).fma(scale, sum);
                sum = bf16(widened(scalesOffsets, offsets + 2L * g))
                        .fma(FloatVector.fromArray(F, a.sums, groups + g), sum);
            }
        }
        return total(sum);
    }
}
