/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.ReadOptions;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** A picture as the command line names it: a file, or {@code -} for standard input. */
final class PictureArgument {
    /** The name of standard input. */
    static final String STANDARD_INPUT = "-";

    private PictureArgument() {}

    /**
     * Reads a picture.
     *
     * @param name a file, or {@code -}
     * @param reading how
     * @return the picture
     * @throws IOException with a message for a person when there is none
     */
    static Image read(String name, ReadOptions reading) throws IOException {
        if (name.equals(STANDARD_INPUT)) {
            try {
                return ImageReader.read(System.in, reading);
            } catch (IOException e) {
                throw new IOException("standard input: " + e.getMessage(), e);
            }
        }
        try {
            return ImageReader.read(Path.of(name), reading);
        } catch (IOException | InvalidPathException e) {
            throw new IOException(Blip2.message(e), e);
        }
    }
}
