/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What became of one picture file among several: its texts, or the reason why there are none.
 *
 * @param file the file
 * @param texts one for each prompt or question of the request, in the same order, one without prompts; empty when the file could not be
 *     read; unmodifiable
 * @param error why the file could not be read; empty when there are texts
 */
public record FileResult(Path file, List<GeneratedText> texts, Optional<IOException> error) {

    /**
     * Copies the list.
     *
     * @param file as above
     * @param texts as above
     * @param error as above
     */
    public FileResult {
        texts = List.copyOf(texts);
    }

    static FileResult of(Path file, List<GeneratedText> texts) {
        return new FileResult(file, texts, Optional.empty());
    }

    static FileResult failed(Path file, IOException error) {
        return new FileResult(file, List.of(), Optional.of(error));
    }

    /** {@return the first text, where there is one} */
    public Optional<GeneratedText> text() {
        return texts.stream().findFirst();
    }
}
