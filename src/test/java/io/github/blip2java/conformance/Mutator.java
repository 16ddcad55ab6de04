/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ContainerNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Damages files: any bytes, numbers, the fields of TIFF and EXIF directories, GIF blocks and JSON values. */
final class Mutator {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long[] NUMBERS = {
        0,
        1,
        2,
        3,
        7,
        8,
        15,
        16,
        127,
        128,
        255,
        256,
        4095,
        4096,
        32767,
        32768,
        65535,
        65536,
        1_000_000,
        100_000_000,
        Integer.MAX_VALUE - 1,
        Integer.MAX_VALUE,
        1L << 31,
        (1L << 32) - 1,
        1L << 32,
        Long.MAX_VALUE,
        -1,
        -2,
        -128,
        Integer.MIN_VALUE,
        Long.MIN_VALUE
    };
    private static final List<String> TEXTS = List.of(
            "",
            " ",
            "x",
            "null",
            "-1",
            "NaN",
            "1e30",
            "opt",
            "t5",
            "gelu",
            "</s>",
            "<image>",
            "▁",
            "Ġ",
            "../../x",
            "a".repeat(5000),
            "\u0000",
            "\ud83d",
            "\ufeff",
            "int8",
            "model.safetensors");
    private static final List<String> SYNTAX = List.of(
            ",", "}", "]", "{", "[", "\"", ":", "NaN", "Infinity", "\\u", "//", "'", "\u0000", "[".repeat(3000));

    private final Random random;

    Mutator(Random random) {
        this.random = random;
    }

    /** One to eight changes of any kind to the bytes of a file. */
    byte[] bytes(byte[] original, byte[] other) {
        byte[] bytes = original;
        for (int changes = 1 << random.nextInt(4); changes > 0 && bytes.length > 0; changes--) {
            bytes = change(bytes, other);
        }
        return bytes;
    }

    private byte[] change(byte[] original, byte[] other) {
        byte[] bytes = original.clone();
        int at = random.nextInt(bytes.length);
        int length = Math.min(bytes.length - at, 1 + random.nextInt(1 << random.nextInt(10)));
        switch (random.nextInt(11)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[at] = (byte) random.nextInt();
            case 2 -> number(bytes, at);
            case 3 -> number(bytes, random.nextInt(Math.min(bytes.length, 64)));
            case 4 -> Arrays.fill(bytes, at, at + length, (byte) (random.nextBoolean() ? 0 : 255));
            case 5 -> bytes = Arrays.copyOf(bytes, at);
            case 6 -> bytes = joined(bytes, at, bytes, Math.max(0, at - length)); // a part twice
            case 7 -> bytes = joined(bytes, at, bytes, at + length); // a part missing
            case 8 -> bytes = other.length == 0 ? bytes : joined(bytes, at, other, random.nextInt(other.length));
            case 9 -> directory(bytes);
            default -> gifBlock(bytes);
        }
        return bytes;
    }

    private static byte[] joined(byte[] head, int end, byte[] tail, int start) {
        byte[] joined = Arrays.copyOf(head, end + tail.length - start);
        System.arraycopy(tail, start, joined, end, tail.length - start);
        return joined;
    }

    private void number(byte[] bytes, int at) {
        int size = 1 << random.nextInt(4);
        if (at + size <= bytes.length) {
            put(ByteBuffer.wrap(bytes), at, size, random.nextBoolean());
        }
    }

    private void put(ByteBuffer buffer, int at, int size, boolean little) {
        buffer.order(little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        long value = random.nextInt(4) == 0 ? random.nextLong() : NUMBERS[random.nextInt(NUMBERS.length)];
        switch (size) {
            case 1 -> buffer.put(at, (byte) value);
            case 2 -> buffer.putShort(at, (short) value);
            case 4 -> buffer.putInt(at, (int) value);
            default -> buffer.putLong(at, value);
        }
    }

    /** Changes tag, type, count or value of an entry of a TIFF directory, in a TIFF file or in a picture's EXIF. */
    private void directory(byte[] bytes) {
        List<Integer> headers = new ArrayList<>();
        for (int i = 0; i + 8 < bytes.length; i++) {
            boolean little = bytes[i] == 'I' && bytes[i + 1] == 'I' && bytes[i + 2] == 42;
            if (little || bytes[i] == 'M' && bytes[i + 1] == 'M' && bytes[i + 3] == 42) {
                headers.add(i);
            }
        }
        if (headers.isEmpty()) {
            return;
        }
        int header = headers.get(random.nextInt(headers.size()));
        boolean little = bytes[header] == 'I';
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        long start = header + Integer.toUnsignedLong(buffer.getInt(header + 4));
        if (random.nextInt(10) == 0 || start + 2 > bytes.length) {
            put(buffer, header + 4, 4, little);
            return;
        }
        int entries = Short.toUnsignedInt(buffer.getShort((int) start));
        if (random.nextInt(10) == 0 || entries == 0) {
            put(buffer, (int) start, 2, little);
            return;
        }
        int[][] fields = {{0, 2}, {2, 2}, {4, 4}, {8, 4}, {8, 2}};
        int[] field = fields[random.nextInt(fields.length)];
        long at = start + 2 + 12L * random.nextInt(entries) + field[0];
        if (at + field[1] <= bytes.length) {
            put(buffer, (int) at, field[1], little);
        }
    }

    /** Changes sizes, positions and flags behind the start of a GIF's image or extension. */
    private void gifBlock(byte[] bytes) {
        if (bytes.length < 20 || bytes[0] != 'G' || bytes[1] != 'I') {
            number(bytes, random.nextInt(bytes.length));
            return;
        }
        int from = random.nextInt(bytes.length);
        for (int i = from; i + 12 < bytes.length; i++) {
            if (bytes[i] == 0x2c || bytes[i] == 0x21) {
                int at = i + random.nextInt(11);
                put(ByteBuffer.wrap(bytes), at, 1 + random.nextInt(2), true);
                return;
            }
        }
        put(ByteBuffer.wrap(bytes), 4 + random.nextInt(9), 1, true);
    }

    /** One to four changes to the values of a JSON file; sometimes to its text. */
    byte[] json(byte[] original) {
        try {
            JsonNode root = JSON.readTree(original);
            for (int changes = 1 << random.nextInt(3); changes > 0; changes--) {
                changeValue(root);
            }
            String text = JSON.writeValueAsString(root);
            return (random.nextInt(6) == 0 ? syntax(text) : text).getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        } catch (IOException e) {
            throw new AssertionError("from memory", e);
        }
    }

    private void changeValue(JsonNode root) {
        List<ContainerNode<?>> containers = new ArrayList<>();
        collect(root, random.nextInt(5) == 0, containers);
        if (containers.isEmpty()) {
            return;
        }
        ContainerNode<?> container = containers.get(random.nextInt(containers.size()));
        if (container.isEmpty()) {
            return;
        }
        int index = random.nextInt(container.size());
        if (container instanceof ObjectNode object) {
            List<String> keys = new ArrayList<>();
            object.fieldNames().forEachRemaining(keys::add);
            String key = keys.get(index);
            switch (random.nextInt(6)) {
                case 0 -> object.remove(key);
                case 1 -> object.set(keys.get(random.nextInt(keys.size())), object.get(key));
                case 2 -> object.set(TEXTS.get(random.nextInt(TEXTS.size())), object.remove(key));
                default -> object.set(key, value(object.get(key)));
            }
        } else if (container instanceof ArrayNode array) {
            switch (random.nextInt(4)) {
                case 0 -> array.remove(index);
                case 1 -> array.insert(index, array.get(random.nextInt(array.size())));
                default -> array.set(index, value(array.get(index)));
            }
        }
    }

    /** Vocabularies have thousands of entries, between which all else would hardly ever be chosen. */
    private static void collect(JsonNode node, boolean vocabularies, List<ContainerNode<?>> containers) {
        if (node instanceof ContainerNode<?> container && (vocabularies || container.size() < 300)) {
            containers.add(container);
            for (JsonNode child : container) {
                collect(child, vocabularies, containers);
            }
        }
    }

    private JsonNode value(JsonNode before) {
        JsonNodeFactory make = JsonNodeFactory.instance;
        return switch (random.nextInt(before.isNumber() ? 14 : 10)) {
            case 0 -> make.nullNode();
            case 1 -> make.booleanNode(random.nextBoolean());
            case 2, 3 -> make.textNode(TEXTS.get(random.nextInt(TEXTS.size())));
            case 4 -> make.objectNode();
            case 5 -> make.arrayNode();
            case 6 -> make.arrayNode().add(before).add(before);
            case 7 -> make.objectNode().set("content", before);
            case 8 -> make.numberNode(random.nextBoolean() ? 1e308 : -0.5);
            case 9 -> make.numberNode(BigInteger.TEN.pow(30));
            default -> make.numberNode(NUMBERS[random.nextInt(NUMBERS.length)]);
        };
    }

    private String syntax(String text) {
        int at = random.nextInt(text.length() + 1);
        String piece = SYNTAX.get(random.nextInt(SYNTAX.size()));
        return switch (random.nextInt(3)) {
            case 0 -> text.substring(0, at);
            case 1 -> text.substring(0, at) + piece + text.substring(at);
            default -> "\ufeff" + text + piece;
        };
    }
}
