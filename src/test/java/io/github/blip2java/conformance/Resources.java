/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Where the reference files are. */
final class Resources {
    private Resources() {}

    static Path root() {
        return Path.of(System.getProperty("blip2.test.resources"));
    }

    static Path reference() {
        return root().resolve("reference");
    }

    static Path checkpoint(String name) {
        return reference().resolve(name).resolve("checkpoint");
    }

    static Path photo(String name) {
        return root().resolve("images").resolve("photos").resolve(name);
    }

    /** Copies a folder, so that a test may damage it. */
    static Path copy(Path from, Path to) {
        try (Stream<Path> files = Files.walk(from)) {
            files.forEach(file -> {
                try {
                    Files.copy(file, to.resolve(from.relativize(file).toString()));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            return to;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Deletes a folder and all in it. */
    static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
