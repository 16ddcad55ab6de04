/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.checkpoint.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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

    /**
     * Copies a checkpoint and makes a weight of its vision encoder NaN: a call that encodes a picture ends with
     * "image features: expected finite numbers", and one that is refused before does not.
     */
    static Path withoutVision(String name, Path target) throws IOException {
        copy(checkpoint(name), target);
        TensorInfo info;
        Path file;
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            StoredTensor tensor = checkpoint.tensors().get("vision_model.embeddings.class_embedding");
            info = tensor.info();
            file = tensor.file().path();
        }
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(Math.toIntExact(info.begin()), Float.NaN);
        Files.write(file, bytes);
        return target;
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
