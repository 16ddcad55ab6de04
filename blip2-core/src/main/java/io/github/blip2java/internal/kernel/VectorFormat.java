/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static io.github.blip2java.internal.kernel.Lanes.B;
import static io.github.blip2java.internal.kernel.Lanes.I;
import static io.github.blip2java.internal.kernel.Lanes.L;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * How weights of a format are loaded and widened: what {@link VectorLoops} are made for.
 *
 * @param size     bytes of a weight
 * @param beyond   weights that a load reads beyond the L that it gives
 * @param streams  rows of weights that one row of activations is multiplied with together, 4 or 2
 * @param raw      {@code (Object memory, int at)} to the bits of L weights, each in an int lane
 * @param widen    these as floats
 * @param track    {@code (IntVector seen, IntVector raw)} to the lanewise largest of what tells whether {@code widen} was right
 * @param limit    it was not if a lane of that has this value or more
 * @param widenAny as {@code widen}, more slowly, whatever the bits are
 * @param weight   one weight
 */
record VectorFormat(
        int size,
        int beyond,
        int streams,
        MethodHandle raw,
        MethodHandle widen,
        MethodHandle track,
        int limit,
        MethodHandle widenAny,
        Weight weight) {

    /** Not in {@link VectorLoops}, as Java 17 cannot make lambdas in hidden classes. */
    static final Scratch<byte[]> COPY = Scratch.of(byte[]::new);

    static final Scratch<float[]> SUMS = Scratch.of(float[]::new);

    /** Magnitude of an infinite half; NaN have larger ones. */
    private static final int INFINITE_HALF = 0x7c00;

    static final VectorFormat F32 = new VectorFormat(
            Float.BYTES,
            0,
            4,
            raw("ints"),
            widen("floats"),
            track("nothing"),
            1,
            widen("floats"),
            ByteBuffer::getFloat);

    static final VectorFormat BF16 = new VectorFormat(
            Short.BYTES,
            0,
            4,
            raw("shorts"),
            widen("bf16"),
            track("nothing"),
            1,
            widen("bf16"),
            (bytes, at) -> Float.intBitsToFloat(bytes.getShort(at) << 16));

    static final VectorFormat F16 = new VectorFormat(
            Short.BYTES,
            0,
            2,
            raw("shorts"),
            widen("f16"),
            track("magnitude"),
            INFINITE_HALF,
            widen("anyF16"),
            (bytes, at) -> ScalarFormat.half(bytes.getShort(at)));

    static final VectorFormat INT8 = new VectorFormat(
            Byte.BYTES,
            B.length() - L,
            4,
            raw("bytes"),
            widen("int8"),
            track("nothing"),
            1,
            widen("int8"),
            ByteBuffer::get);

    /** Reads one weight. */
    @FunctionalInterface
    interface Weight {
        float at(ByteBuffer bytes, int at);
    }

    /** Loads the class {@link VectorLoops} once more, for this format. */
    WeightKernel loops() {
        try (InputStream bytes = VectorFormat.class.getResourceAsStream("VectorLoops.class")) {
            MethodHandles.Lookup loops =
                    MethodHandles.lookup().defineHiddenClassWithClassData(bytes.readAllBytes(), this, true);
            return (WeightKernel) loops.lookupClass().getDeclaredConstructor().newInstance();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static MethodHandle raw(String name) {
        return find(name, MethodType.methodType(IntVector.class, Object.class, int.class));
    }

    private static MethodHandle widen(String name) {
        return find(name, MethodType.methodType(FloatVector.class, IntVector.class));
    }

    private static MethodHandle track(String name) {
        return find(name, MethodType.methodType(IntVector.class, IntVector.class, IntVector.class));
    }

    private static MethodHandle find(String name, MethodType type) {
        try {
            return MethodHandles.lookup().findStatic(VectorFormat.class, name, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static IntVector ints(Object memory, int at) {
        return Mapped.ints(memory, at);
    }

    private static IntVector shorts(Object memory, int at) {
        return (IntVector) Mapped.shorts(memory, at).convertShape(VectorOperators.S2I, I, 0);
    }

    private static IntVector bytes(Object memory, int at) {
        return (IntVector) Mapped.bytes(memory, at).convertShape(VectorOperators.B2I, I, 0);
    }

    private static FloatVector floats(IntVector bits) {
        return bits.reinterpretAsFloats();
    }

    private static FloatVector int8(IntVector codes) {
        return (FloatVector) codes.convert(VectorOperators.I2F, 0);
    }

    private static FloatVector bf16(IntVector bits) {
        return Lanes.bf16(bits);
    }

    private static FloatVector f16(IntVector bits) {
        return Lanes.f16(bits);
    }

    private static FloatVector anyF16(IntVector bits) {
        return Lanes.f16OrInfinite(bits);
    }

    private static IntVector nothing(IntVector seen, IntVector bits) {
        return seen;
    }

    private static IntVector magnitude(IntVector seen, IntVector bits) {
        return seen.max(Lanes.magnitude(bits));
    }
}
