/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.Lanes.F;
import static io.github.blip2java.internal.kernel.Lanes.L;
import static io.github.blip2java.internal.kernel.Lanes.bf16;
import static io.github.blip2java.internal.kernel.Lanes.total;
import static io.github.blip2java.internal.kernel.Lanes.widened;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

/** Weights of bfloat16. */
final class VectorBf16 extends VectorFormat {

    VectorBf16() {
        super(Short.BYTES, 0);
    }

    @Override
    float dot(float[] x, int xFrom, Object memory, int at, int whole) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        int i = 0;
        for (; i <= whole - 2 * L; i += 2 * L) {
            s0 = FloatVector.fromArray(F, x, xFrom + i).fma(bf16(widened(memory, at + 2 * i)), s0);
            s1 = FloatVector.fromArray(F, x, xFrom + i + L).fma(bf16(widened(memory, at + 2 * (i + L))), s1);
        }
        if (i < whole) {
            s0 = FloatVector.fromArray(F, x, xFrom + i).fma(bf16(widened(memory, at + 2 * i)), s0);
        }
        return total(s0.add(s1));
    }

    @Override
    void widen(Object memory, int at, float[] to, int from, int whole) {
        for (int i = 0; i < whole; i += L) {
            bf16(widened(memory, at + 2 * i)).intoArray(to, from + i);
        }
    }

    @Override
    float weight(ByteBuffer bytes, int at) {
        return Float.intBitsToFloat(bytes.getShort(at) << 16);
    }
}
