/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.io.IOException;

/** What stops one picture, and must not stop those beside it: memory that does not suffice, libraries that do not load. */
public final class PictureErrors {

    /** Bytes of heap beside a picture: bin/blip2 has a young generation of 128 MiB. */
    private static final long BESIDE = 256 << 20;

    /** Heaps are given in steps of so many MiB. */
    private static final long STEP = 64;

    private PictureErrors() {}

    /**
     * An exception in place of an error that was thrown while one picture was read.
     *
     * @param error the error
     * @param name what the message calls the file
     * @return an exception that says what to do
     */
    public static IOException of(Error error, String name) {
        if (error instanceof OutOfMemoryError) {
            return noRoom(name, 0, error);
        } else if (error instanceof LinkageError) {
            return new IOException(
                    name + ": expected a decoder that Java can load, got "
                            + error.getClass().getSimpleName()
                            + ". WebP's is a library that is unpacked into the temporary folder "
                            + System.getProperty("java.io.tmpdir")
                            + ", which must be writable and allow programs to run: name another with"
                            + " -Djava.io.tmpdir=FOLDER (for bin/blip2 in BLIP2_JAVA_OPTS). All others come with Java's"
                            + " module java.desktop. Or convert the picture to another format",
                    error);
        }
        return new IOException(
                name + ": cannot be decoded (" + reason(error) + "); save it again as JPEG or PNG", error);
    }

    /**
     * An exception for a picture that is too large for Java's heap. What fails is one large array; everything else goes on.
     *
     * @param name what the message calls the file
     * @param needed bytes of heap that it takes, 0 where that is not known
     * @param error what failed, null when nothing was tried
     * @return an exception that names a heap that would do
     */
    public static IOException noRoom(String name, long needed, Error error) {
        long heap = Runtime.getRuntime().maxMemory();
        return new IOException(
                name + ": expected room for all its pixels in Java's heap, "
                        + (needed == 0 ? "" : mib(needed) + " MiB, ") + "got " + mib(heap)
                        + " MiB in all; start Java with "
                        + (needed == 0 ? "a larger heap, -Xmx" : "-Xmx" + heapFor(needed, heap))
                        + " (for bin/blip2 in BLIP2_JAVA_OPTS), or scale the picture down",
                error);
    }

    private static long mib(long bytes) {
        return bytes >> 20;
    }

    /** Beside the picture: what else lives in the heap, and room for new objects, in which no large array is made. */
    private static String heapFor(long needed, long heap) {
        long enough = needed + needed / 4 + BESIDE;
        // Where that much was there, the caller's own data fill the rest.
        long wanted = enough > heap ? enough : heap + needed;
        return (mib(wanted) / STEP + 1) * STEP + "m";
    }

    /** Whether Java's heap is full, as Java says; native libraries throw the same for reasons of their own. */
    static boolean isHeapFull(OutOfMemoryError error) {
        String message = String.valueOf(error.getMessage());
        return message.contains("Java heap space") || message.contains("GC overhead limit");
    }

    /** What a message calls a cause. */
    static String reason(Throwable e) {
        String message = e.getMessage();
        return message == null || message.isBlank() ? e.getClass().getSimpleName() : message;
    }
}
