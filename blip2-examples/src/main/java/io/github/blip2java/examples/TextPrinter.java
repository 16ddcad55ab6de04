/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.processor.GeneratedText;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Prints texts: alone, behind a name where there are several, or as one JSON object a line. */
final class TextPrinter {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final PrintWriter out;
    private final boolean json;
    private final boolean named;

    /**
     * Prints to a stream.
     *
     * @param out   results go here
     * @param json  whether to print JSON
     * @param named whether a text stands behind what it belongs to
     */
    TextPrinter(PrintWriter out, boolean json, boolean named) {
        this.out = out;
        this.json = json;
        this.named = named;
    }

    void print(String file, String question, GeneratedText text, double seconds) {
        if (json) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("file", file);
            if (question != null) {
                fields.put("question", question);
            }
            fields.put("text", text.text());
            fields.put("token_ids", text.tokenIds());
            fields.put("finish_reason", text.finishReason().name().toLowerCase(Locale.ROOT));
            fields.put("seconds", Math.round(seconds * 1000) / 1000.0);
            out.println(json(fields));
        } else {
            out.println((named ? label(question == null ? file : question) + "\t" : "") + text.text());
        }
        Output.flush(out);
    }

    /** A tab or a line break in a name would look like the end of it. */
    private static String label(String name) {
        return name.chars().anyMatch(Character::isISOControl) ? json(name) : name;
    }

    private static String json(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
