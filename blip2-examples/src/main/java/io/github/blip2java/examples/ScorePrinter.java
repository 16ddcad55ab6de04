/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Prints numbers about pictures and texts: one JSON object a line, or its values as columns with tabs between them. */
final class ScorePrinter {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FILE = "file";

    private final PrintWriter out;
    private final boolean json;
    private final boolean named;

    /**
     * Prints to a stream.
     *
     * @param named whether the columns begin with the file
     */
    ScorePrinter(PrintWriter out, boolean json, boolean named) {
        this.out = out;
        this.json = json;
        this.named = named;
    }

    /**
     * Prints a line.
     *
     * @param columns how many of the fields behind the file are columns
     */
    void print(Map<String, Object> fields, int columns) {
        if (json) {
            out.println(json(fields));
        } else {
            out.println(fields.entrySet().stream()
                    .filter(field -> named || !field.getKey().equals(FILE))
                    .limit(columns + (named ? 1 : 0))
                    .map(field -> column(field.getValue()))
                    .collect(Collectors.joining("\t")));
        }
    }

    private static String column(Object value) {
        if (value instanceof Float number) {
            return String.format(Locale.ROOT, "%.4f", number);
        }
        // A tab or a line break in a name would look like the end of it.
        return value.toString().chars().anyMatch(Character::isISOControl) ? json(value) : value.toString();
    }

    static String json(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
