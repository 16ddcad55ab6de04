/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.Lanes.B;
import static io.github.blip2java.internal.kernel.Lanes.F;
import static io.github.blip2java.internal.kernel.Lanes.L;
import static io.github.blip2java.internal.kernel.Lanes.int8;
import static io.github.blip2java.internal.kernel.Lanes.total;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;

/** Signed bytes, without their scales. */
final class VectorInt8 extends VectorFormat {

    VectorInt8() {
        super(Byte.BYTES, B.length() - L);
    }

    @Override
    float dot(float[] x, int xFrom, Object memory, int at, int whole) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        FloatVector s2 = FloatVector.zero(F);
        FloatVector s3 = FloatVector.zero(F);
        int i = 0;
        for (; i <= whole - 4 * L; i += 4 * L) {
            s0 = int8(Mapped.bytes(memory, at + i)).fma(FloatVector.fromArray(F, x, xFrom + i), s0);
            s1 = int8(Mapped.bytes(memory, at + i + L)).fma(FloatVector.fromArray(F, x, xFrom + i + L), s1);
            s2 = int8(Mapped.bytes(memory, at + i + 2 * L)).fma(FloatVector.fromArray(F, x, xFrom + i + 2 * L), s2);
            s3 = int8(Mapped.bytes(memory, at + i + 3 * L)).fma(FloatVector.fromArray(F, x, xFrom + i + 3 * L), s3);
        }
        for (; i < whole; i += L) {
            s0 = int8(Mapped.bytes(memory, at + i)).fma(FloatVector.fromArray(F, x, xFrom + i), s0);
        }
        return total(s0.add(s1).add(s2.add(s3)));
    }

    @Override
    void widen(Object memory, int at, float[] to, int from, int whole) {
        for (int i = 0; i < whole; i += L) {
            int8(Mapped.bytes(memory, at + i)).intoArray(to, from + i);
        }
    }

    @Override
    float weight(ByteBuffer bytes, int at) {
        return bytes.get(at);
    }
}
