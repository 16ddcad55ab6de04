/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.config;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.checkpoint.CheckpointFile;
import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
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
     * @throws MalformedCheckpointException if it holds no JSON object; says in which line and column
     */
    public static ConfigNode read(Path file) throws IOException {
        return new ConfigNode(file, "", CheckpointFile.json(file));
    }

    /**
     * Takes an object that is read already.
     *
     * @param file   where it was read, for messages
     * @param object its top object
     * @return the object
     */
    public static ConfigNode of(Path file, ObjectNode object) {
        return new ConfigNode(file, "", object);
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
     * Tells whether a value is an object.
     *
     * @param key its key
     * @return true if it is there and an object
     */
    public boolean hasObject(String key) {
        return node.path(key).isObject();
    }

    /** The object as JSON. */
    @Override
    public String toString() {
        return node.toString();
    }

    /**
     * Reads a whole number.
     *
     * @param key      its key
     * @param fallback its value where none is given
     * @param least    the smallest allowed
     * @param most     the largest allowed
     * @return the number
     */
    public int integer(String key, int fallback, int least, int most) {
        if (!has(key)) {
            return fallback;
        }
        JsonNode value = node.get(key);
        if (!value.isInt() || value.intValue() < least || value.intValue() > most) {
            throw fault(key, wholeNumber(least, most));
        }
        return value.intValue();
    }

    private static String wholeNumber(int least, int most) {
        return "a whole number from " + least + (most == Integer.MAX_VALUE ? "" : " to " + most);
    }

    /**
     * Reads a size.
     *
     * @param key      its key
     * @param fallback its value where none is given
     * @param most     the largest allowed, so that what is made of that size is bounded before it is made
     * @return a whole number from 1
     */
    public int size(String key, int fallback, int most) {
        return integer(key, fallback, 1, most);
    }

    /**
     * Reads a token id that may be absent.
     *
     * @param key its key
     * @return the id, or empty; negative ids count as absent
     */
    public OptionalInt tokenId(String key) {
        int id = integer(key, -1, Integer.MIN_VALUE, Integer.MAX_VALUE);
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
        boolean ids = isTokenId(value)
                || value.isArray() && IntStream.range(0, value.size()).allMatch(i -> isTokenId(value.get(i)));
        if (!ids) {
            throw fault(key, "a token id or a list of them");
        }
        return value.isInt()
                ? new int[] {value.intValue()}
                : IntStream.range(0, value.size())
                        .map(i -> value.get(i).intValue())
                        .toArray();
    }

    private static boolean isTokenId(JsonNode value) {
        return value.isInt() && value.intValue() >= 0;
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
        if (!isFinite(node.get(key)) || node.get(key).doubleValue() < 0) {
            throw fault(key, "a number from 0");
        }
        return node.get(key).doubleValue();
    }

    /**
     * Reads a number of any sign.
     *
     * @param key      its key
     * @param fallback its value where none is given
     * @return the number; finite
     */
    public double signedNumber(String key, double fallback) {
        if (!has(key)) {
            return fallback;
        }
        if (!isFinite(node.get(key))) {
            throw fault(key, "a number");
        }
        return node.get(key).doubleValue();
    }

    /**
     * Reads some numbers, or one that stands for all of them.
     *
     * @param key      its key
     * @param count    how many there must be
     * @param fallback their values where none is given
     * @return that many numbers of any sign; finite
     */
    public List<Double> numbers(String key, int count, List<Double> fallback) {
        if (!has(key)) {
            return fallback;
        }
        JsonNode value = node.get(key);
        if (isFinite(value)) {
            return Collections.nCopies(count, value.doubleValue());
        }
        boolean numbers = value.isArray()
                && value.size() == count
                && IntStream.range(0, count).allMatch(i -> isFinite(value.get(i)));
        if (!numbers) {
            throw fault(key, count + " numbers, or one for all");
        }
        return IntStream.range(0, count)
                .mapToObj(i -> value.get(i).doubleValue())
                .toList();
    }

    private static boolean isFinite(JsonNode value) {
        return value.isNumber() && Double.isFinite(value.doubleValue());
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
                    '"' + CheckpointFile.shown(text) + "\" is not supported; supported: "
                            + String.join(", ", supported.stream().sorted().toList()));
        }
        return text;
    }

    /**
     * Reads a picture's side, given as a number or as two equal ones.
     *
     * @param key      its key
     * @param fallback its value where none is given
     * @param most     the largest allowed
     * @return the side in pixels
     * @throws UnsupportedModelException if the sides differ
     */
    public int side(String key, int fallback, int most) {
        JsonNode value = node.path(key);
        if (!value.isArray()) {
            return size(key, fallback, most);
        }
        JsonNode first = value.path(0);
        if (value.size() != 2 || !first.isInt() || first.intValue() < 1 || first.intValue() > most) {
            throw fault(key, wholeNumber(1, most) + ", or two of them");
        }
        if (!first.equals(value.get(1))) {
            throw unsupported(key, value + " is not supported; supported: square pictures");
        }
        return first.intValue();
    }

    /**
     * Demands that a token is one of the vocabulary.
     *
     * @param key   the key of the token's id
     * @param id    the id
     * @param vocab the number of tokens
     */
    public void checkToken(String key, int id, int vocab) {
        if (id >= vocab) {
            throw malformed(key, "expected a token id below vocab_size " + vocab + ", got " + id);
        }
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
            throw malformed(key, "expected a multiple of the " + heads + " attention heads, got " + width);
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

    /**
     * Describes a value that cannot be.
     *
     * @param key     its key
     * @param problem expected … got …
     * @return the exception
     */
    public MalformedCheckpointException malformed(String key, String problem) {
        return new MalformedCheckpointException(
                file, file.getFileName() + ": " + prefix + key + ": " + problem + "; download it again");
    }

    private MalformedCheckpointException fault(String key, String expected) {
        return malformed(key, "expected " + expected + ", got " + CheckpointFile.shown(node.get(key)));
    }
}
