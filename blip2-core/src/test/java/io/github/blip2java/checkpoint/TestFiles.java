/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes small safetensors files, right and wrong ones. */
public final class TestFiles {
    private TestFiles() {}

    /** Writes a header as it is given, with its length in front, and data behind it. */
    public static Path raw(Path file, String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return raw(file, json.length, json, dataBytes);
    }

    static Path raw(Path file, long length, byte[] header, int dataBytes) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(length).put(header);
        return Files.write(file, bytes.array());
    }

    /** Writes float32 tensors of one dimension or more. */
    public static Path floats(Path file, Map<String, float[]> tensors, Map<String, long[]> shapes) throws IOException {
        StringBuilder header = new StringBuilder("{");
        long at = 0;
        int total = 0;
        for (Map.Entry<String, float[]> tensor : tensors.entrySet()) {
            long end = at + 4L * tensor.getValue().length;
            header.append(header.length() > 1 ? "," : "")
                    .append('"')
                    .append(tensor.getKey())
                    .append("\":{\"dtype\":\"F32\",\"shape\":")
                    .append(java.util.Arrays.toString(shapes.get(tensor.getKey())))
                    .append(",\"data_offsets\":[")
                    .append(at)
                    .append(',')
                    .append(end)
                    .append("]}");
            at = end;
            total += tensor.getValue().length;
        }
        byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + 4 * total).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(json.length).put(json);
        tensors.values().forEach(values -> {
            for (float value : values) {
                bytes.putFloat(value);
            }
        });
        return Files.write(file, bytes.array());
    }

    /** Writes {@code model.safetensors} with one vector for each name. */
    static Path vectors(Path directory, String... names) throws IOException {
        Map<String, float[]> tensors = new LinkedHashMap<>();
        Map<String, long[]> shapes = new LinkedHashMap<>();
        for (int i = 0; i < names.length; i++) {
            tensors.put(names[i], new float[] {i, i + 0.5f});
            shapes.put(names[i], new long[] {2});
        }
        return floats(directory.resolve("model.safetensors"), tensors, shapes);
    }
}
