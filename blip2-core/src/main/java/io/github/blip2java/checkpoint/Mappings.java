/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/**
 * Parts of files in memory, unmapped together.
 *
 * <p>Java 22 and newer unmap with an {@code Arena}, older ones with {@code Unsafe}; both are called by reflection, as this is compiled
 * for Java 17 and {@code Unsafe} will be gone. Buffers are plain views, as an arena's own ones check for every vector that it is open:
 * {@link WeightMemory} checks once a product.
 */
abstract class Mappings implements AutoCloseable {

    static Mappings open() {
        return Runtime.version().feature() >= 22 ? new OfArena() : new OfUnsafe();
    }

    /** The bytes of a file, read-only and little-endian; not to be touched after {@link #close}. */
    abstract ByteBuffer map(FileChannel file, long from, long bytes) throws IOException;

    @Override
    public abstract void close();

    private static Object invoke(Method method, Object target, Object... arguments) throws IOException {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            if (e.getCause() instanceof Error failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private static final class OfArena extends Mappings {
        private static final Class<?> ARENA;
        private static final Method OF_SHARED;
        private static final Method CLOSE;
        private static final Method MAP;
        private static final Method ADDRESS;

        static {
            try {
                ARENA = Class.forName("java.lang.foreign.Arena");
                OF_SHARED = ARENA.getMethod("ofShared");
                CLOSE = ARENA.getMethod("close");
                MAP = FileChannel.class.getMethod("map", MapMode.class, long.class, long.class, ARENA);
                ADDRESS = Class.forName("java.lang.foreign.MemorySegment").getMethod("address");
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        private final Object arena;

        OfArena() {
            try {
                arena = invoke(OF_SHARED, null);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        ByteBuffer map(FileChannel file, long from, long bytes) throws IOException {
            if (bytes == 0) {
                return ByteBuffer.allocate(0); // nothing has an address
            }
            Object segment = invoke(MAP, file, MapMode.READ_ONLY, from, bytes, arena);
            long address = (Long) invoke(ADDRESS, segment);
            return OffHeap.view(new Address(address), bytes).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public void close() {
            try {
                invoke(CLOSE, arena);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static final class Address extends Pointer {
        Address(long address) {
            this.address = address;
        }
    }

    private static final class OfUnsafe extends Mappings {
        private final List<ByteBuffer> mapped = new ArrayList<>();

        @Override
        synchronized ByteBuffer map(FileChannel file, long from, long bytes) throws IOException {
            ByteBuffer buffer = file.map(MapMode.READ_ONLY, from, bytes);
            mapped.add(buffer);
            return buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public synchronized void close() {
            try {
                Class<?> type = Class.forName("sun.misc.Unsafe");
                Object unsafe = MethodHandles.privateLookupIn(type, MethodHandles.lookup())
                        .findStaticVarHandle(type, "theUnsafe", type)
                        .get();
                Method invokeCleaner = type.getMethod("invokeCleaner", ByteBuffer.class);
                for (ByteBuffer buffer : mapped) {
                    if (buffer.capacity() > 0) { // nothing is mapped for nothing
                        invoke(invokeCleaner, unsafe, buffer);
                    }
                }
                mapped.clear();
            } catch (ReflectiveOperationException | IOException e) {
                throw new IllegalStateException("expected to unmap weights, got " + e, e);
            }
        }
    }
}
