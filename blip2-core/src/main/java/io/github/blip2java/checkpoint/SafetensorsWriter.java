/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes a checkpoint's tensors as safetensors: one file, or shards with an index, as {@code save_pretrained} does. */
public final class SafetensorsWriter {
    private static final String SINGLE = "model.safetensors";
    private static final int ALIGNMENT = 8;

    private SafetensorsWriter() {}

    /**
     * A tensor to be written.
     *
     * @param name  its full name
     * @param dtype its element type
     * @param shape its dimensions
     */
    public record Planned(String name, DType dtype, long[] shape) {
        /**
         * Gives the size of the tensor.
         *
         * @return bytes
         */
        public long bytes() {
            return Arrays.stream(shape).reduce(dtype.bytes(), Math::multiplyExact);
        }
    }

    /** Gives a tensor's bytes, when its turn has come. */
    @FunctionalInterface
    public interface Source {

        /**
         * Writes a tensor's bytes, little-endian and row-major.
         *
         * @param tensor which one
         * @param file   receives exactly as many bytes as the tensor has, at its position
         * @throws IOException if reading or writing fails
         */
        void write(Planned tensor, FileChannel file) throws IOException;
    }

    /**
     * Writes all tensors.
     *
     * @param directory     an existing folder
     * @param tensors       what to write, in this order
     * @param maxShardBytes the most data in one file; a larger tensor has a file of its own
     * @param source        gives the bytes
     * @throws IOException if a file cannot be written
     */
    public static void write(Path directory, List<Planned> tensors, long maxShardBytes, Source source)
            throws IOException {
        List<List<Planned>> shards = shards(tensors, maxShardBytes);
        Map<String, String> shardOf = new TreeMap<>();
        for (int i = 0; i < shards.size(); i++) {
            String name =
                    shards.size() == 1 ? SINGLE : String.format("model-%05d-of-%05d.safetensors", i + 1, shards.size());
            shards.get(i).forEach(tensor -> shardOf.put(tensor.name(), name));
            writeShard(directory.resolve(name), shards.get(i), source);
        }
        if (shards.size() > 1) {
            long total = tensors.stream().mapToLong(Planned::bytes).sum();
            Map<String, Object> index = new LinkedHashMap<>();
            index.put("metadata", Map.of("total_size", total));
            index.put("weight_map", shardOf);
            new ObjectMapper()
                    .writerWithDefaultPrettyPrinter()
                    .writeValue(directory.resolve(SINGLE + ".index.json").toFile(), index);
        }
    }

    private static List<List<Planned>> shards(List<Planned> tensors, long maxShardBytes) {
        List<List<Planned>> shards = new ArrayList<>();
        long room = -1;
        for (Planned tensor : tensors) {
            if (tensor.bytes() > room) {
                shards.add(new ArrayList<>());
                room = maxShardBytes;
            }
            shards.get(shards.size() - 1).add(tensor);
            room -= tensor.bytes();
        }
        return shards;
    }

    private static void writeShard(Path path, List<Planned> tensors, Source source) throws IOException {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writeFully(file, header(tensors));
            for (Planned tensor : tensors) {
                long start = file.position();
                source.write(tensor, file);
                if (file.position() - start != tensor.bytes()) {
                    throw new IllegalStateException(tensor.name() + ": expected " + tensor.bytes() + " bytes, got "
                            + (file.position() - start));
                }
            }
        }
    }

    private static ByteBuffer header(List<Planned> tensors) throws IOException {
        Map<String, Object> entries = new LinkedHashMap<>();
        entries.put("__metadata__", Map.of("format", "pt"));
        long at = 0;
        for (Planned tensor : tensors) {
            Map<String, Object> entry = new LinkedHashMap<>();
            entry.put("dtype", tensor.dtype().name());
            entry.put("shape", tensor.shape());
            entry.put("data_offsets", new long[] {at, at + tensor.bytes()});
            entries.put(tensor.name(), entry);
            at += tensor.bytes();
        }
        byte[] json = new ObjectMapper().writeValueAsBytes(entries);
        // Spaces at the end bring the data to a multiple of 8 bytes, so that mapped tensors are aligned.
        int length = (json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        ByteBuffer header = ByteBuffer.allocate(Long.BYTES + length).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(length).put(json);
        while (header.hasRemaining()) {
            header.put((byte) ' ');
        }
        return header.flip();
    }

    /**
     * Writes a whole buffer.
     *
     * @param file  where to
     * @param bytes what to write
     * @throws IOException if writing fails
     */
    public static void writeFully(FileChannel file, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            file.write(bytes);
        }
    }
}
