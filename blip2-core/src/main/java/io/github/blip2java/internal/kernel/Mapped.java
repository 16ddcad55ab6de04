/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.Vector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors loaded from stored bytes: since Java 19 from where they lie, before from a copy of some rows on the heap.
 *
 * <p>Java 17 and 18 load vectors from byte arrays (from byte buffers too, but measured at two thirds of the speed), newer ones
 * from memory segments instead. Either is called by constant method handles, which the compiler inlines like calls, so that
 * one source serves all.
 */
final class Mapped {
    /** Whether loads need no copy. */
    static final boolean IN_PLACE = segment() != null;

    private static final MethodHandle MEMORY = memory();
    private static final MethodHandle INTS = load(IntVector.class, Lanes.I);
    private static final MethodHandle SHORTS = load(ShortVector.class, Lanes.S);
    private static final MethodHandle WHOLE_SHORTS = load(ShortVector.class, Lanes.WHOLE_S);
    private static final MethodHandle BYTES = load(ByteVector.class, Lanes.B);

    private Mapped() {}

    /** What vectors are loaded from where no copy is needed: the whole of a buffer, from index 0 on. */
    static Object memory(ByteBuffer bytes) {
        try {
            return (Object) MEMORY.invokeExact(bytes);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static IntVector ints(Object memory, int at) {
        try {
            return (IntVector) INTS.invokeExact(memory, at);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** Half a vector. */
    static ShortVector shorts(Object memory, int at) {
        try {
            return (ShortVector) SHORTS.invokeExact(memory, at);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static ShortVector wholeShorts(Object memory, int at) {
        try {
            return (ShortVector) WHOLE_SHORTS.invokeExact(memory, at);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static ByteVector bytes(Object memory, int at) {
        try {
            return (ByteVector) BYTES.invokeExact(memory, at);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** The class {@code MemorySegment} of a Java whose vectors are loaded from it, else null. */
    private static Class<?> segment() {
        try {
            Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
            FloatVector.class.getMethod("fromMemorySegment", VectorSpecies.class, segment, long.class, ByteOrder.class);
            return segment;
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }

    private static MethodHandle memory() {
        MethodType type = MethodType.methodType(Object.class, ByteBuffer.class);
        return IN_PLACE
                ? find(segment(), "ofBuffer", MethodType.methodType(segment(), Buffer.class))
                        .asType(type)
                : MethodHandles.identity(ByteBuffer.class).asType(type);
    }

    /** A load by memory and index of the first byte. */
    private static <V extends Vector<?>> MethodHandle load(Class<V> vector, VectorSpecies<?> species) {
        MethodHandle load = IN_PLACE
                ? find(
                        vector,
                        "fromMemorySegment",
                        MethodType.methodType(vector, VectorSpecies.class, segment(), long.class, ByteOrder.class))
                : find(
                        vector,
                        "fromByteArray",
                        MethodType.methodType(vector, VectorSpecies.class, byte[].class, int.class, ByteOrder.class));
        load = MethodHandles.insertArguments(load, 3, ByteOrder.LITTLE_ENDIAN);
        load = MethodHandles.insertArguments(load, 0, species);
        return MethodHandles.explicitCastArguments(load, MethodType.methodType(vector, Object.class, int.class));
    }

    private static MethodHandle find(Class<?> owner, String name, MethodType type) {
        try {
            return MethodHandles.publicLookup().findStatic(owner, name, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Loads throw what is out of bounds, and nothing that is checked. */
    static RuntimeException unexpected(Throwable e) {
        if (e instanceof RuntimeException exception) {
            throw exception;
        }
        if (e instanceof Error error) {
            throw error;
        }
        return new IllegalStateException(e);
    }
}
