/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.github.blip2java.weights.MalformedCheckpointException;
import io.github.blip2java.weights.UnsupportedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * One JSON object of a configuration file. Absent and null values give defaults; unknown keys are never looked at; values of
 * the wrong type or range are a {@link MalformedCheckpointException} that names file and key.
 */
public final class ConfigNode {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final String prefix;
    private final JsonNode node;

    private ConfigNode(Path file, String prefix, JsonNode node) {
        this.file = file;
        this.prefix = prefix;
        this.node = node;
    }

    /**
     * Reads a file.
     *
     * @param file a JSON file
     * @return its top object
     * @throws IOException if it is missing or unreadable
     * @throws MalformedCheckpointException if it holds no JSON object
     */
    public static ConfigNode read(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new NoSuchFileException(
                    file
                            + ": expected a configuration file, found none; pass a folder downloaded from the Hugging Face Hub");
        }
        String problem;
        try {
            JsonNode node = JSON.readTree(file.toFile());
            if (node.isObject()) {
                return new ConfigNode(file, "", node);
            }
            problem = node.getNodeType().toString();
        } catch (JsonProcessingException e) {
            problem = "a syntax error: " + e.getOriginalMessage();
        }
        throw new MalformedCheckpointException(
                file, file.getFileName() + ": expected a JSON object, got " + problem + "; download it again");
    }

    /**
     * Takes values from a map, as a file would give them.
     *
     * @param values values by key
     * @return an object with these values
     */
    public static ConfigNode of(Map<String, ?> values) {
        return new ConfigNode(Path.of("config.json"), "", JSON.valueToTree(values));
    }

    /**
     * Gives all values, also those nobody looks at.
     *
     * @return a new map by key; empty where there is no object
     */
    public Map<String, Object> toMap() {
        return node.isObject()
                ? JSON.convertValue(node, new TypeReference<LinkedHashMap<String, Object>>() {})
                : Map.of();
    }

    /**
     * Goes into an object.
     *
     * @param key its key
     * @return the object; empty where there is none
     */
    public ConfigNode object(String key) {
        JsonNode child = node.path(key);
        if (child.isNull() || child.isMissingNode()) {
            return new ConfigNode(file, prefix + key + ".", MissingNode.getInstance());
        }
        if (!child.isObject()) {
            throw fault(key, "an object");
        }
        return new ConfigNode(file, prefix + key + ".", child);
    }

    /**
     * Tells whether a value is given.
     *
     * @param key its key
     * @return true if it is there and not null
     */
    public boolean has(String key) {
        return node.hasNonNull(key);
    }

    /**
     * Reads a whole number.
     *
     * @param key      its key
     * @param fallback its value where none is given
     * @param least    the smallest allowed
     * @return the number
     */
    public int integer(String key, int fallback, int least) {
        if (!has(key)) {
            return fallback;
        }
        if (!node.get(key).isInt() || node.get(key).intValue() < least) {
            throw fault(key, "a whole number from " + least);
        }
        return node.get(key).intValue();
    }

    /**
     * Reads a size.
     *
     * @param key      its key
     * @param fallback its value where none is given
     * @return a whole number from 1
     */
    public int size(String key, int fallback) {
        return integer(key, fallback, 1);
    }

    /**
     * Reads a token id that may be absent.
     *
     * @param key its key
     * @return the id, or empty; negative ids count as absent
     */
    public OptionalInt tokenId(String key) {
        int id = integer(key, -1, Integer.MIN_VALUE);
        return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /**
     * Reads one token id or a list of them.
     *
     * @param key      its key
     * @param fallback the ids where none is given
     * @return the ids
     */
    public int[] tokenIds(String key, int... fallback) {
        if (!has(key)) {
            return fallback;
        }
        JsonNode value = node.get(key);
        boolean ids = value.isInt()
                || value.isArray()
                        && IntStream.range(0, value.size())
                                .allMatch(i -> value.get(i).isInt());
        if (!ids) {
            throw fault(key, "a token id or a list of them");
        }
        return value.isInt()
                ? new int[] {value.intValue()}
                : IntStream.range(0, value.size())
                        .map(i -> value.get(i).intValue())
                        .toArray();
    }

    /**
     * Reads a number.
     *
     * @param key      its key
     * @param fallback its value where none is given
     * @return the number, 0 or more
     */
    public double number(String key, double fallback) {
        if (!has(key)) {
            return fallback;
        }
        if (!node.get(key).isNumber() || !(node.get(key).doubleValue() >= 0)) {
            throw fault(key, "a number from 0");
        }
        return node.get(key).doubleValue();
    }

    /**
     * Reads a truth value.
     *
     * @param key      its key
     * @param fallback its value where none is given
     * @return true or false
     */
    public boolean flag(String key, boolean fallback) {
        if (!has(key)) {
            return fallback;
        }
        if (!node.get(key).isBoolean()) {
            throw fault(key, "true or false");
        }
        return node.get(key).booleanValue();
    }

    /**
     * Reads a text.
     *
     * @param key      its key
     * @param fallback its value where none is given
     * @return the text
     */
    public String text(String key, String fallback) {
        if (!has(key)) {
            return fallback;
        }
        if (!node.get(key).isTextual()) {
            throw fault(key, "a text");
        }
        return node.get(key).textValue();
    }

    /**
     * Reads a text that must be one of a few.
     *
     * @param key       its key
     * @param fallback  its value where none is given
     * @param supported the texts allowed
     * @return the text
     * @throws UnsupportedModelException if it is another
     */
    public String oneOf(String key, String fallback, Set<String> supported) {
        String text = text(key, fallback);
        if (!supported.contains(text)) {
            throw unsupported(
                    key,
                    '"' + text + "\" is not supported; supported: "
                            + String.join(", ", supported.stream().sorted().toList()));
        }
        return text;
    }

    /**
     * Reads a picture's side, given as a number or as two equal ones.
     *
     * @param key      its key
     * @param fallback its value where none is given
     * @return the side in pixels
     * @throws UnsupportedModelException if the sides differ
     */
    public int side(String key, int fallback) {
        JsonNode value = node.path(key);
        if (!value.isArray()) {
            return size(key, fallback);
        }
        if (value.size() != 2 || !value.get(0).isInt() || value.get(0).intValue() < 1) {
            throw fault(key, "a whole number from 1, or two of them");
        }
        if (!value.get(0).equals(value.get(1))) {
            throw unsupported(key, value + " is not supported; supported: square pictures");
        }
        return value.get(0).intValue();
    }

    /**
     * Demands that heads share a width without rest.
     *
     * @param key   the key of the width
     * @param width the width
     * @param heads the number of heads
     */
    public void checkHeads(String key, int width, int heads) {
        if (width % heads != 0) {
            throw new MalformedCheckpointException(
                    file,
                    file.getFileName() + ": " + prefix + key + ": expected a multiple of the " + heads
                            + " attention heads, got " + width + "; download it again");
        }
    }

    /**
     * Describes a value that is valid but cannot be handled.
     *
     * @param key  its key
     * @param text what is not supported, and what is
     * @return the exception
     */
    public UnsupportedModelException unsupported(String key, String text) {
        return new UnsupportedModelException(file.getFileName() + ": " + prefix + key + " " + text);
    }

    private MalformedCheckpointException fault(String key, String expected) {
        return new MalformedCheckpointException(
                file,
                file.getFileName() + ": " + prefix + key + ": expected " + expected + ", got " + node.get(key)
                        + "; download it again");
    }
}
