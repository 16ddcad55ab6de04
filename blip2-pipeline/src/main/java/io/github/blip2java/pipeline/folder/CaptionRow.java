/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import java.time.Instant;

/**
 * A text in a table.
 *
 * @param name     the picture, as {@link PictureFile#name}
 * @param question what was asked; null for a caption
 * @param text     the text
 * @param size     bytes of the picture when it was read; −1 where the table does not tell
 * @param modified when it had last been changed then; the epoch where the table does not tell
 */
public record CaptionRow(String name, String question, String text, long size, Instant modified) {
    /** Whether it is about this state of a picture, as far as it tells. */
    boolean isAbout(PictureFile picture) {
        return size < 0 || size == picture.size() && modified.equals(picture.modified());
    }
}
