/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.matrix.Narrowing;
import io.github.blip2java.weights.Checkpoint;
import io.github.blip2java.weights.DType;
import io.github.blip2java.weights.SafetensorsWriter;
import io.github.blip2java.weights.SafetensorsWriter.Planned;
import io.github.blip2java.weights.StoredTensor;
import io.github.blip2java.weights.UnsupportedModelException;
import io.github.blip2java.weights.WeightFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Writes a checkpoint again with weights of another width: a valid folder that {@code transformers} reads too.
 *
 * <p>Matrices are converted; vectors (norms, biases) and query tokens, which are small and matter more, stay as stored.
 * Works tensor by tensor in bounded memory. The new folder appears under its name when it is complete, never before.
 */
public final class CheckpointConverter {
    private static final long MAX_SHARD_BYTES = 5_000_000_000L;
    private static final int CHUNK_ELEMENTS = 1 << 20;

    private CheckpointConverter() {}

    /**
     * Converts.
     *
     * @param source   a checkpoint folder
     * @param target   the folder to make; must not exist
     * @param format   F32, F16 or BF16
     * @param progress hears of every tensor
     * @throws IOException if a file cannot be read or written, or the target exists
     * @throws UnsupportedModelException if the format is another, or a weight is too large for it
     */
    public static void convert(Path source, Path target, WeightFormat format, ProgressListener progress)
            throws IOException {
        DType dtype = dtype(format);
        if (Files.exists(target)) {
            throw new FileAlreadyExistsException(
                    target + ": expected a folder that does not exist yet; remove it, or choose another");
        }
        Blip2Config.fromPretrained(source); // refuses what is no BLIP-2 before anything is written
        Path parent = target.toAbsolutePath().getParent();
        Files.createDirectories(parent);
        Path partial = Files.createTempDirectory(parent, "." + target.getFileName() + ".partial-");
        try {
            try (Checkpoint checkpoint = Checkpoint.open(source)) {
                writeWeights(checkpoint, partial, dtype, progress);
            }
            copyCompanions(source, partial, dtype);
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException e) {
            delete(partial);
            throw e;
        }
    }

    private static DType dtype(WeightFormat format) {
        return switch (format) {
            case F32 -> DType.F32;
            case F16 -> DType.F16;
            case BF16 -> DType.BF16;
            default ->
                throw new UnsupportedModelException(
                        "dtype " + format + " cannot be written; supported: f32, f16, bf16");
        };
    }

    private static void writeWeights(Checkpoint checkpoint, Path directory, DType dtype, ProgressListener progress)
            throws IOException {
        List<Planned> planned = new ArrayList<>();
        for (StoredTensor tensor : checkpoint.tensors().values()) {
            boolean matrix = tensor.dtype().isWeight()
                    && tensor.info().shape().length > 1
                    && !tensor.info().name().equals("query_tokens");
            planned.add(new Planned(
                    tensor.info().name(),
                    matrix ? dtype : tensor.dtype(),
                    tensor.info().shape()));
        }
        int[] done = {0};
        SafetensorsWriter.write(directory, planned, MAX_SHARD_BYTES, (tensor, file) -> {
            progress.progress("converting", done[0]++, planned.size());
            copy(checkpoint.tensor(tensor.name()), tensor.dtype(), file);
        });
    }

    private static void copy(StoredTensor from, DType dtype, FileChannel file) throws IOException {
        int width = from.dtype().bytes();
        ByteBuffer in = ByteBuffer.allocateDirect(CHUNK_ELEMENTS * width).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer out =
                ByteBuffer.allocateDirect(CHUNK_ELEMENTS * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (long at = 0; at < from.info().elements(); at += CHUNK_ELEMENTS) {
            int count = (int) Math.min(CHUNK_ELEMENTS, from.info().elements() - at);
            in.clear().limit(count * width);
            from.read(at * width, in);
            in.flip();
            if (dtype == from.dtype()) {
                SafetensorsWriter.writeFully(file, in);
                continue;
            }
            out.clear();
            for (int i = 0; i < count; i++) {
                put(out, value(in, from.dtype()), dtype, from.info().name());
            }
            SafetensorsWriter.writeFully(file, out.flip());
        }
    }

    private static float value(ByteBuffer in, DType dtype) {
        return switch (dtype) {
            case F16 -> StoredTensor.halfToFloat(in.getShort());
            case BF16 -> Float.intBitsToFloat(in.getShort() << 16);
            default -> in.getFloat();
        };
    }

    private static void put(ByteBuffer out, float value, DType dtype, String name) {
        switch (dtype) {
            case F16 -> {
                if (Math.abs(value) >= Narrowing.HALF_OVERFLOW && !Float.isInfinite(value)) {
                    throw new UnsupportedModelException("tensor \"" + name
                            + "\": expected values below 65520 for f16, got " + value + "; convert to bf16");
                }
                out.putShort(Narrowing.toHalf(value));
            }
            case BF16 -> out.putShort(Narrowing.toBfloat16(value));
            default -> out.putFloat(value);
        }
    }

    /** Everything but weights goes along; config.json says what the weights are now. */
    private static void copyCompanions(Path source, Path target, DType dtype) throws IOException {
        try (Stream<Path> files = Files.list(source)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = file.getFileName().toString();
                boolean weights =
                        name.contains(".safetensors") || name.endsWith(".bin") || name.endsWith(".bin.index.json");
                if (!weights) {
                    Files.copy(file, target.resolve(name));
                }
            }
        }
        Path config = target.resolve("config.json");
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode json = (ObjectNode) mapper.readTree(config.toFile());
        json.remove("torch_dtype"); // the older name of the next key
        json.put("dtype", dtype == DType.F16 ? "float16" : dtype == DType.BF16 ? "bfloat16" : "float32");
        mapper.writerWithDefaultPrettyPrinter().writeValue(config.toFile(), json);
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
