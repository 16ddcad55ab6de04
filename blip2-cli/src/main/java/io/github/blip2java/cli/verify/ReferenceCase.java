/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.checkpoint.SafetensorsFile;
import io.github.blip2java.checkpoint.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A folder with a checkpoint and what {@code transformers} computed with it.
 *
 * <p>{@code checkpoint/}, {@code reference.safetensors} (inputs and expected outputs), {@code reference.json} (generation,
 * texts, pictures) and {@code images/}. The format is described in docs/numerics.md.
 */
final class ReferenceCase implements AutoCloseable {
    private final Path directory;
    private final SafetensorsFile tensors;
    private final JsonNode json;

    private ReferenceCase(Path directory, SafetensorsFile tensors, JsonNode json) {
        this.directory = directory;
        this.tensors = tensors;
        this.json = json;
    }

    static ReferenceCase open(Path directory) throws IOException {
        Path file = directory.resolve("reference.json");
        for (Path needed :
                new Path[] {file, directory.resolve("reference.safetensors"), directory.resolve("checkpoint")}) {
            if (!Files.exists(needed)) {
                throw new NoSuchFileException(
                        directory + ": expected a reference case (checkpoint/, reference.safetensors,"
                                + " reference.json), found no " + needed.getFileName()
                                + "; src/test/python/README.md says how to write one");
            }
        }
        try {
            JsonNode json = new ObjectMapper().readTree(file.toFile());
            return new ReferenceCase(directory, SafetensorsFile.open(directory.resolve("reference.safetensors")), json);
        } catch (JsonProcessingException e) {
            throw new MalformedCheckpointException(
                    file, "reference.json: expected a JSON object, got a syntax error: " + e.getOriginalMessage());
        }
    }

    Path checkpoint() {
        return directory.resolve("checkpoint");
    }

    Path image(String name) {
        return directory.resolve("images").resolve(name);
    }

    JsonNode json() {
        return json;
    }

    Set<String> names() {
        return tensors.tensors().keySet();
    }

    boolean contains(String name) {
        return tensors.tensors().containsKey(name);
    }

    long[] shape(String name) {
        return tensors.tensors().get(name).shape();
    }

    /** The values of an F32 tensor, or of an I64 one as floats. */
    float[] floats(String name) {
        ByteBuffer bytes = tensors.map(name);
        float[] values = new float[Math.toIntExact(info(name, DType.F32).elements())];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    INDArray array(String name) {
        return Nd4j.create(floats(name), shape(name), 'c');
    }

    /** The values of an I64 matrix, or null where there is none. */
    long[][] ids(String name) {
        if (!contains(name)) {
            return null;
        }
        TensorInfo info = info(name, DType.I64);
        ByteBuffer bytes = tensors.map(name);
        long[][] ids = new long[(int) info.shape()[0]][(int) info.shape()[1]];
        for (long[] row : ids) {
            for (int i = 0; i < row.length; i++) {
                row[i] = bytes.getLong();
            }
        }
        return ids;
    }

    private TensorInfo info(String name, DType expected) {
        TensorInfo info = tensors.tensors().get(name);
        if (info.dtype() != expected) {
            throw new MalformedCheckpointException(
                    directory.resolve("reference.safetensors"),
                    "reference.safetensors: " + name + ": expected " + expected + ", got " + info.dtype());
        }
        return info;
    }

    @Override
    public void close() throws IOException {
        tensors.close();
    }
}
