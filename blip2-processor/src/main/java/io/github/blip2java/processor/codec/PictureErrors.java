/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.codec;

import java.io.IOException;

/** What stops one picture, and must not stop those beside it: memory that does not suffice, libraries that do not load. */
public final class PictureErrors {

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
            // What failed is one large array; everything else goes on.
            return new IOException(
                    name + ": expected room for all its pixels in Java's heap, got "
                            + (Runtime.getRuntime().maxMemory() >> 20)
                            + " MiB in all; scale the picture down, or start Java with a larger heap (-Xmx; for bin/blip2"
                            + " in BLIP2_JAVA_OPTS)",
                    error);
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

    /** What a message calls a cause. */
    static String reason(Throwable e) {
        String message = e.getMessage();
        return message == null || message.isBlank() ? e.getClass().getSimpleName() : message;
    }
}
