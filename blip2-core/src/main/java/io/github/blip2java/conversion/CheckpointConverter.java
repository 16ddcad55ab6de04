/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conversion;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.Blip2Config;
import io.github.blip2java.ProgressListener;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.CheckpointFolder;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.Failures;
import io.github.blip2java.checkpoint.OffHeap;
import io.github.blip2java.checkpoint.SafetensorsWriter;
import io.github.blip2java.checkpoint.SafetensorsWriter.Planned;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.checkpoint.TensorInfo;
import io.github.blip2java.checkpoint.Unreadable;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.checkpoint.WeightMemory;
import io.github.blip2java.internal.quantization.Narrowing;
import io.github.blip2java.internal.quantization.Quantizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Writes a checkpoint again with weights of another width.
 *
 * <p>With F32, F16 and BF16 the folder is one that {@code transformers} reads too: matrices and tables are converted; vectors
 * (norms, biases) and query tokens, which are small and matter more, stay as stored. With INT8 and INT4 it is one for this
 * library alone: matrices are quantised as {@link Quantizer} does when loading, and everything else stays as stored.
 *
 * <p>Of the other files those go along that belong to a checkpoint, and licence and README; not weights in other formats and
 * states of training.
 *
 * <p>Works tensor by tensor in bounded memory. The new folder appears under its name when it is complete, never before.
 */
public final class CheckpointConverter {
    private static final long MAX_SHARD_BYTES = 5_000_000_000L;
    private static final int CHUNK_ELEMENTS = 1 << 20;

    /** Not weights of other formats, states of training or indexes of old shards, which a folder may hold too. */
    private static final Pattern COMPANION = Pattern.compile("config\\.json|generation_config\\.json"
            + "|(pre)?processor_config\\.json|tokenizer\\.json|tokenizer_config\\.json|special_tokens_map\\.json"
            + "|added_tokens\\.json|vocab\\.(json|txt)|merges\\.txt|spiece\\.model|chat_template\\.(json|jinja)"
            + "|(?i)(licen[cs]e|copying|notice|readme|use_policy|model_card)[^.]*(\\.(md|txt|rst|html|pdf))?");

    private CheckpointConverter() {}

    /**
     * Converts.
     *
     * @param source   a checkpoint folder
     * @param target   the folder to make; must not exist
     * @param format   anything but AUTO
     * @param progress hears of every tensor
     * @throws IOException if a file cannot be read or written, or the target exists
     * @throws UnsupportedModelException if the format is AUTO, a weight does not fit it, or the source is quantised
     */
    public static void convert(Path source, Path target, WeightFormat format, ProgressListener progress)
            throws IOException {
        if (format == WeightFormat.AUTO) {
            throw new UnsupportedModelException("dtype AUTO cannot be written; supported: f32, f16, bf16, int8, int4");
        }
        if (Files.exists(target)) {
            throw new FileAlreadyExistsException(
                    target + ": expected a folder that does not exist yet; remove it, or choose another");
        }
        Path folder = CheckpointFolder.resolve(source);
        Blip2Config config = Blip2Config.fromPretrained(folder); // refuses what is no BLIP-2 before anything is written
        Path parent = target.toAbsolutePath().getParent();
        Files.createDirectories(parent);
        // Not a temporary directory of the library's, which nobody else could read.
        Path partial = Files.createDirectory(
                parent.resolve("." + target.getFileName() + ".partial-" + Long.toHexString(System.nanoTime())));
        try {
            try (Checkpoint checkpoint = Checkpoint.open(folder, config.tiedWeights())) {
                WeightFormat stored = checkpoint.quantization();
                if (stored != WeightFormat.AUTO) {
                    throw new UnsupportedModelException(source + ": expected a checkpoint of floats, got one of "
                            + lowerCase(stored) + "; convert the one that it was made from");
                }
                writeWeights(checkpoint, partial, format, progress);
                copyCompanions(folder, partial, config(checkpoint, format));
            }
            toDisk(partial);
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (Throwable e) {
            Failures.close(e, () -> delete(partial));
            throw e;
        }
        force(parent); // the name too
    }

    private static boolean isQuantised(WeightFormat format) {
        return format == WeightFormat.INT8 || format == WeightFormat.INT4;
    }

    private static String lowerCase(WeightFormat format) {
        return format.name().toLowerCase(Locale.ROOT);
    }

    /** Writes the bytes of one tensor. */
    @FunctionalInterface
    private interface Content {
        void write(FileChannel file) throws IOException;
    }

    private static void writeWeights(
            Checkpoint checkpoint, Path directory, WeightFormat format, ProgressListener progress) throws IOException {
        List<Planned> planned = new ArrayList<>();
        Map<String, Content> contents = new HashMap<>();
        Quantized quantized = new Quantized(format);
        for (StoredTensor tensor : checkpoint.tensors().values()) {
            TensorInfo info = tensor.info();
            if (isQuantised(format) && Quantizer.applies(info)) {
                List<Planned> parts = quantized.plan(tensor);
                for (int i = 0; i < parts.size(); i++) {
                    int part = i;
                    planned.add(parts.get(i));
                    contents.put(parts.get(i).name(), file -> quantized.write(tensor, part, file));
                }
            } else {
                DType dtype = isQuantised(format) ? tensor.dtype() : narrowed(tensor, format);
                planned.add(new Planned(info.name(), dtype, info.shape()));
                contents.put(info.name(), file -> copy(tensor, dtype, file));
            }
        }
        int[] done = {0};
        try (quantized) {
            SafetensorsWriter.write(directory, planned, MAX_SHARD_BYTES, (tensor, file) -> {
                progress.progress("converting", done[0]++, planned.size());
                contents.get(tensor.name()).write(file);
            });
        }
    }

    /** The parts of the matrix that was quantised last, as they are mostly written one after the other. */
    private static final class Quantized implements AutoCloseable {
        private final WeightFormat format;
        private StoredTensor tensor;
        private List<ByteBuffer> parts;
        private WeightMemory memory;

        Quantized(WeightFormat format) {
            this.format = format;
        }

        List<Planned> plan(StoredTensor matrix) {
            long[] shape = matrix.info().shape();
            return Quantizer.plan(format, matrix.info().name(), shape[0], Math.toIntExact(shape[1]));
        }

        void write(StoredTensor matrix, int part, FileChannel file) throws IOException {
            if (tensor != matrix) {
                close();
                memory = new WeightMemory();
                parts = Quantizer.quantize(matrix, format, memory);
                tensor = matrix;
            }
            SafetensorsWriter.writeFully(file, parts.get(part).duplicate());
        }

        @Override
        public void close() {
            tensor = null;
            if (memory != null) {
                memory.close();
            }
        }
    }

    private static DType narrowed(StoredTensor tensor, WeightFormat format) {
        boolean matrix = tensor.dtype().isWeight()
                && tensor.info().shape().length > 1
                && !tensor.info().name().equals("query_tokens");
        return matrix ? DType.valueOf(format.name()) : tensor.dtype();
    }

    private static void copy(StoredTensor from, DType dtype, FileChannel file) throws IOException {
        int width = from.dtype().bytes();
        float[] values = new float[CHUNK_ELEMENTS];
        try (OffHeap input = OffHeap.allocate(CHUNK_ELEMENTS * width);
                OffHeap output = OffHeap.allocate(CHUNK_ELEMENTS * dtype.bytes())) {
            for (long at = 0; at < from.info().elements(); at += CHUNK_ELEMENTS) {
                int count = (int) Math.min(CHUNK_ELEMENTS, from.info().elements() - at);
                ByteBuffer in = input.bytes().limit(count * width);
                from.read(at * width, in);
                in.flip();
                if (dtype == from.dtype()) {
                    SafetensorsWriter.writeFully(file, in);
                    continue;
                }
                StoredTensor.widen(in, from.dtype(), values, 0, count);
                ByteBuffer out = output.bytes().limit(count * dtype.bytes());
                Narrowing.put(values, count, dtype, out, 0, from.info().name());
                SafetensorsWriter.writeFully(file, out);
            }
        }
    }

    /** What config.json says of the weights. */
    private static Map<String, Object> config(Checkpoint checkpoint, WeightFormat format) {
        if (!isQuantised(format)) {
            return Map.of(
                    "dtype",
                    format == WeightFormat.F16 ? "float16" : format == WeightFormat.BF16 ? "bfloat16" : "float32");
        }
        long parameters = checkpoint.tensors().values().stream()
                .mapToLong(tensor -> tensor.info().elements())
                .sum();
        return Map.of(
                Quantizer.CONFIG_KEY,
                Map.of("quant_method", Quantizer.METHOD, "format", lowerCase(format), "parameters", parameters));
    }

    /** What is read beside the weights goes along, and texts for people; config.json says what the weights are now. */
    private static void copyCompanions(Path source, Path target, Map<String, Object> values) throws IOException {
        try (Stream<Path> files = Files.list(source)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = file.getFileName().toString();
                if (COMPANION.matcher(name).matches()) {
                    try {
                        Files.copy(file, target.resolve(name));
                    } catch (AccessDeniedException e) {
                        throw Unreadable.denied(file);
                    }
                }
            }
        }
        Path config = target.resolve("config.json");
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode json = (ObjectNode) mapper.readTree(config.toFile());
        if (values.containsKey("dtype")) {
            json.remove("torch_dtype"); // the older name
        }
        json.setAll((ObjectNode) mapper.valueToTree(values));
        mapper.writerWithDefaultPrettyPrinter().writeValue(config.toFile(), json);
    }

    /** A folder must not get its final name before what is in it is on the disk. */
    private static void toDisk(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                force(file);
            }
        }
        force(directory);
    }

    private static void force(Path path) throws IOException {
        boolean folder = Files.isDirectory(path);
        if (folder && System.getProperty("os.name").startsWith("Windows")) {
            return; // no folder can be opened there
        }
        boolean writable =
                !folder && Files.isWritable(path); // Windows wants that; a file copied along may be read-only
        try (FileChannel channel =
                FileChannel.open(path, writable ? StandardOpenOption.WRITE : StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
