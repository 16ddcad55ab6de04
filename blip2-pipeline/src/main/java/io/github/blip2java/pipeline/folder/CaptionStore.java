/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import io.github.blip2java.pipeline.GeneratedText;
import java.io.Closeable;
import java.io.IOException;

/** Where texts about the pictures of a folder are kept, and which of them are there already. For one thread at a time. */
public interface CaptionStore extends Closeable {
    /**
     * Looks whether a text is there.
     *
     * @param picture  the picture as it is now
     * @param question what was asked; null for a caption
     * @return whether the text is there, and about this state of the picture as far as the store knows states
     */
    boolean isDone(PictureFile picture, String question);

    /**
     * Refuses a picture whose text could not be kept, before it is made.
     *
     * @param picture the picture
     * @throws IOException says why, and what to do
     */
    default void check(PictureFile picture) throws IOException {}

    /** {@return whether a text that cannot be kept concerns its picture alone, so that others may be kept} */
    default boolean failsAlone() {
        return false;
    }

    /**
     * Keeps a text. Whenever the process ends, the text is there whole, or what is there of it is repaired or replaced by the next run.
     *
     * @param picture  the picture as it was before it was read
     * @param question what was asked; null for a caption
     * @param text     the text
     * @throws IOException when it cannot be kept
     */
    void write(PictureFile picture, String question, GeneratedText text) throws IOException;
}
