/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import io.github.blip2java.pipeline.GeneratedText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * A text file beside each picture, {@code cat.txt} for {@code cat.jpg}, with its text in one line: what programs for fine-tuning read. A file
 * that is there counts as done, whoever wrote it.
 */
public final class TextSidecars implements CaptionStore {
    private static final String SUFFIX = ".txt";

    private final boolean overwrite;

    /**
     * Makes a store.
     *
     * @param overwrite whether files that are there are replaced
     */
    public TextSidecars(boolean overwrite) {
        this.overwrite = overwrite;
    }

    @Override
    public boolean isDone(PictureFile picture, String question) {
        return !overwrite && Files.exists(file(picture), LinkOption.NOFOLLOW_LINKS);
    }

    private static Path file(PictureFile picture) {
        return Sidecars.of(picture.path(), SUFFIX);
    }

    @Override
    public void check(PictureFile picture) throws IOException {
        Sidecars.check(picture.path(), SUFFIX);
    }

    @Override
    public boolean failsAlone() {
        return true;
    }

    @Override
    public void write(PictureFile picture, String question, GeneratedText text) throws IOException {
        if (!isDone(picture, question)) { // somebody may have written one meanwhile
            Sidecars.write(file(picture), Sidecars.utf8(text.text().replaceAll("\\R", " ") + "\n"));
        }
    }

    @Override
    public void close() {}
}
