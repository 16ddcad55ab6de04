/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.weights.MalformedCheckpointException;
import io.github.blip2java.weights.UnsupportedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A JSON object of a configuration file, whose getters name file and key when a value has the wrong type. */
final class JsonObject {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Path file;
    private final JsonNode object;

    private JsonObject(Path file, JsonNode object) {
        this.file = file;
        this.object = object;
    }

    static JsonObject read(Path file) throws IOException {
        try {
            JsonNode root = MAPPER.readTree(Files.readAllBytes(file));
            JsonObject json = new JsonObject(file, root);
            if (!(root instanceof ObjectNode)) {
                throw json.malformed("expected a JSON object");
            }
            return json;
        } catch (JsonProcessingException e) {
            throw new JsonObject(file, null).malformed("not valid JSON: " + e.getOriginalMessage());
        }
    }

    /** The value of a key; null when it is absent or JSON's null. */
    JsonNode value(String key) {
        JsonNode value = object.get(key);
        return value == null || value.isNull() ? null : value;
    }

    JsonObject object(String key) {
        JsonNode value = value(key);
        if (value != null && !value.isObject()) {
            throw wrongType(key, "an object", value);
        }
        return value == null ? null : new JsonObject(file, value);
    }

    boolean bool(String key, boolean fallback) {
        JsonNode value = value(key);
        if (value != null && !value.isBoolean()) {
            throw wrongType(key, "true or false", value);
        }
        return value == null ? fallback : value.booleanValue();
    }

    int integer(String key, int fallback) {
        JsonNode value = value(key);
        if (value != null && !value.isInt()) {
            throw wrongType(key, "a whole number", value);
        }
        return value == null ? fallback : value.intValue();
    }

    double number(String key, double fallback) {
        JsonNode value = value(key);
        if (value != null && !value.isNumber()) {
            throw wrongType(key, "a number", value);
        }
        return value == null ? fallback : value.doubleValue();
    }

    private MalformedCheckpointException wrongType(String key, String expected, JsonNode got) {
        return malformed(key + ": expected " + expected + ", got " + got);
    }

    MalformedCheckpointException malformed(String what) {
        return new MalformedCheckpointException(file, file + ": " + what);
    }

    UnsupportedModelException unsupported(String what, String supported) {
        return new UnsupportedModelException(file + ": " + what + " is not supported; supported: " + supported);
    }
}
