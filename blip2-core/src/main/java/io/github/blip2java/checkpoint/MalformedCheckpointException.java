/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import java.nio.file.Path;

/** A checkpoint file whose content is wrong: damaged, contradictory, or not what its configuration says. */
public class MalformedCheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The file. */
    private final String path;

    /** The tensor concerned, or null. */
    private final String tensor;

    /** Where in the file, or -1. */
    private final long byteOffset;

    /**
     * Describes a fault of a whole file.
     *
     * @param path    the file
     * @param message what · expected · got · what to do
     */
    public MalformedCheckpointException(Path path, String message) {
        this(path, null, -1, message);
    }

    /**
     * Describes a fault at a place in a file.
     *
     * @param path       the file
     * @param tensor     the tensor concerned, or null
     * @param byteOffset where in the file, or -1
     * @param message    what · expected · got · what to do
     */
    public MalformedCheckpointException(Path path, String tensor, long byteOffset, String message) {
        super(message);
        this.path = String.valueOf(path);
        this.tensor = tensor;
        this.byteOffset = byteOffset;
    }

    /**
     * Gives the file.
     *
     * @return its path
     */
    public Path path() {
        return Path.of(path);
    }

    /**
     * Gives the tensor concerned.
     *
     * @return its full name, or null
     */
    public String tensor() {
        return tensor;
    }

    /**
     * Gives the place in the file.
     *
     * @return a byte offset, or -1 where there is none
     */
    public long byteOffset() {
        return byteOffset;
    }
}
