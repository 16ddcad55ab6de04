/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import java.io.IOException;
import java.nio.file.Path;

/** Hears how {@link PictureIndex#refresh} gets on, on the thread that called it. */
public interface RefreshListener {
    /** Hears nothing. */
    RefreshListener NONE = new RefreshListener() {};

    /**
     * The folder is walked.
     *
     * @param pictures found so far
     */
    default void walking(long pictures) {}

    /**
     * New and changed pictures are encoded.
     *
     * @param done so far, from 0
     * @param total of all
     */
    default void encoding(long done, long total) {}

    /** All is encoded, and the index is put in order, which can take minutes where it is large. */
    default void tidying() {}

    /**
     * A picture or a folder cannot be read. A picture is not tried again until its time or size changes.
     *
     * @param path the file or folder
     * @param reason its message begins with the path
     */
    default void failed(Path path, IOException reason) {}
}
