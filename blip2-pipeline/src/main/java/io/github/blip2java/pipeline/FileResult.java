/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What became of one picture file among several: a text, or the reason why there is none.
 *
 * @param file the file
 * @param text the text; empty when the file could not be read
 * @param error why the file could not be read; empty when there is a text
 */
public record FileResult(Path file, Optional<GeneratedText> text, Optional<IOException> error) {

    static FileResult of(Path file, GeneratedText text) {
        return new FileResult(file, Optional.of(text), Optional.empty());
    }

    static FileResult failed(Path file, IOException error) {
        return new FileResult(file, Optional.empty(), Optional.of(error));
    }
}
