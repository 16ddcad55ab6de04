/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import io.github.blip2java.pipeline.GeneratedText;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * An XMP file beside each picture, {@code cat.xmp} for {@code cat.jpg}, as Lightroom and others write them, with the text as
 * {@code dc:description} in the language {@code x-default}. What else is in a file that is there stays; a description that is there counts
 * as done.
 */
public final class XmpSidecars implements CaptionStore {
    private static final String SUFFIX = ".xmp";

    private final boolean overwrite;

    /**
     * Makes a store.
     *
     * @param overwrite whether descriptions that are there are replaced
     */
    public XmpSidecars(boolean overwrite) {
        this.overwrite = overwrite;
    }

    @Override
    public boolean isDone(PictureFile picture, String question) {
        try {
            return !overwrite && read(picture).isDescribed();
        } catch (IOException e) { // check tells
            return false;
        }
    }

    private static Path file(PictureFile picture) {
        return Sidecars.of(picture.path(), SUFFIX);
    }

    private static XmpDescription read(PictureFile picture) throws IOException {
        Path file = file(picture);
        return Files.exists(file)
                ? XmpDescription.read(new ByteArrayInputStream(Files.readAllBytes(file)), file.toString())
                : XmpDescription.empty();
    }

    @Override
    public void check(PictureFile picture) throws IOException {
        Sidecars.check(picture.path(), SUFFIX);
        read(picture);
    }

    @Override
    public boolean failsAlone() {
        return true;
    }

    @Override
    public void write(PictureFile picture, String question, GeneratedText text) throws IOException {
        XmpDescription xmp = read(picture); // as it is now
        if (overwrite || !xmp.isDescribed()) {
            Sidecars.write(file(picture), xmp.with(text.text()));
        }
    }

    @Override
    public void close() {}
}
