/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.Lanes.F;
import static io.github.blip2java.internal.kernel.Lanes.I;
import static io.github.blip2java.internal.kernel.Lanes.L;
import static io.github.blip2java.internal.kernel.Lanes.beyondHalf;
import static io.github.blip2java.internal.kernel.Lanes.f16;
import static io.github.blip2java.internal.kernel.Lanes.f16OrInfinite;
import static io.github.blip2java.internal.kernel.Lanes.magnitude;
import static io.github.blip2java.internal.kernel.Lanes.total;
import static io.github.blip2java.internal.kernel.Lanes.widened;

import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Weights of IEEE half precision. Infinities and NaN are looked for, and where there is one the row is computed again. */
final class VectorF16 extends VectorFormat {

    VectorF16() {
        super(Short.BYTES, 0);
    }

    @Override
    float dot(float[] x, int xFrom, Object memory, int at, int whole) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = FloatVector.zero(F);
        IntVector largest = IntVector.zero(I);
        int i = 0;
        for (; i <= whole - 2 * L; i += 2 * L) {
            IntVector h0 = widened(memory, at + 2 * i);
            IntVector h1 = widened(memory, at + 2 * (i + L));
            largest = largest.max(magnitude(h0)).max(magnitude(h1));
            s0 = FloatVector.fromArray(F, x, xFrom + i).fma(f16(h0), s0);
            s1 = FloatVector.fromArray(F, x, xFrom + i + L).fma(f16(h1), s1);
        }
        if (i < whole) {
            IntVector h = widened(memory, at + 2 * i);
            largest = largest.max(magnitude(h));
            s0 = FloatVector.fromArray(F, x, xFrom + i).fma(f16(h), s0);
        }
        return beyondHalf(largest) ? dotOfAny(x, xFrom, memory, at, whole) : total(s0.add(s1));
    }

    private static float dotOfAny(float[] x, int xFrom, Object memory, int at, int whole) {
        FloatVector sum = FloatVector.zero(F);
        for (int i = 0; i < whole; i += L) {
            sum = FloatVector.fromArray(F, x, xFrom + i).fma(f16OrInfinite(widened(memory, at + 2 * i)), sum);
        }
        return total(sum);
    }

    @Override
    void widen(Object memory, int at, float[] to, int from, int whole) {
        IntVector largest = IntVector.zero(I);
        for (int i = 0; i < whole; i += L) {
            IntVector half = widened(memory, at + 2 * i);
            largest = largest.max(magnitude(half));
            f16(half).intoArray(to, from + i);
        }
        for (int i = 0; beyondHalf(largest) && i < whole; i += L) {
            f16OrInfinite(widened(memory, at + 2 * i)).intoArray(to, from + i);
        }
    }

    @Override
    float weight(ByteBuffer bytes, int at) {
        return ScalarFormat.half(bytes.getShort(at));
    }
}
