/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.pipeline.TextListener;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Prints texts: alone, behind a name where there are several, or as one JSON object a line; at once, or piece by piece. */
final class TextPrinter {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final PrintWriter out;
    private final boolean json;
    private final boolean named;
    private final BiFunction<String, String, List<String>> names;
    /** Whether the beginning of a line is printed already. */
    private boolean begun;

    /**
     * Prints to a stream.
     *
     * @param out   results go here
     * @param json  whether to print JSON
     * @param named whether a text stands behind what it belongs to
     */
    TextPrinter(PrintWriter out, boolean json, boolean named) {
        this(out, json, named, (file, question) -> List.of(question == null ? file : question));
    }

    /**
     * Prints behind what a text belongs to.
     *
     * @param out   results go here
     * @param json  whether to print JSON
     * @param names what stands before a text, of a file and a question
     */
    TextPrinter(PrintWriter out, boolean json, BiFunction<String, String, List<String>> names) {
        this(out, json, true, names);
    }

    private TextPrinter(PrintWriter out, boolean json, boolean named, BiFunction<String, String, List<String>> names) {
        this.out = out;
        this.json = json;
        this.named = named;
        this.names = names;
    }

    /**
     * A listener that prints a text while it is written; {@link #print} then ends the line.
     *
     * @param file     the picture
     * @param question null for a caption
     * @param before   done before the first piece
     */
    TextListener listener(String file, String question, Runnable before) {
        return (sequence, piece) -> {
            before.run();
            if (json) {
                Map<String, Object> fields = fields(file, question);
                fields.put("piece", piece);
                out.println(json(fields));
            } else {
                out.print((begun ? "" : name(file, question)) + piece);
                begun = true;
            }
            Output.flush(out);
        };
    }

    /** Prints a text and its alternatives; not a number of seconds where they are not known. */
    void print(String file, String question, GeneratedText text, double seconds) {
        List<GeneratedText> candidates = text.candidates();
        for (int i = 0; i < candidates.size(); i++) {
            GeneratedText one = candidates.get(i);
            if (json) {
                Map<String, Object> fields = fields(file, question);
                if (candidates.size() > 1) {
                    fields.put("candidate", i + 1);
                }
                fields.put("text", one.text());
                fields.put("token_ids", one.tokenIds());
                fields.put("finish_reason", one.finishReason().name().toLowerCase(Locale.ROOT));
                one.score().ifPresent(score -> fields.put("score", score));
                if (hasProbabilities(one)) {
                    fields.put("log_probability", one.logProbability());
                    fields.put("token_log_probabilities", one.logProbabilities());
                }
                if (!Double.isNaN(seconds)) {
                    fields.put("seconds", Math.round(seconds * 1000) / 1000.0);
                }
                out.println(json(fields));
            } else {
                out.println((begun ? "" : name(file, question) + one.text())
                        + (hasProbabilities(one) ? "\t" + number(one.logProbability()) : ""));
                begun = false;
            }
        }
        Output.flush(out);
    }

    /** Prints something else as an object, or as columns. */
    void print(Map<String, Object> fields, Object... columns) {
        if (json) {
            out.println(json(fields));
        } else {
            out.println(Arrays.stream(columns).map(TextPrinter::column).collect(Collectors.joining("\t")));
        }
        Output.flush(out);
    }

    /** Prints about a picture, whose name is a field and, where there are several, the first column. */
    void printAbout(String file, Map<String, Object> more, Object... columns) {
        Map<String, Object> fields = fields(file, null);
        fields.putAll(more);
        print(
                fields,
                named ? Stream.concat(Stream.of(file), Arrays.stream(columns)).toArray() : columns);
    }

    private static String column(Object value) {
        if (value instanceof Float cosine) {
            return String.format(Locale.ROOT, "%.4f", cosine);
        }
        return value instanceof Double other ? number(other) : label(value.toString());
    }

    private static boolean hasProbabilities(GeneratedText text) {
        return !text.logProbabilities().isEmpty();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", Math.round(value * 1000) / 1000.0 + 0.0); // not -0.000
    }

    private static Map<String, Object> fields(String file, String question) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("file", file);
        if (question != null) {
            fields.put("question", question);
        }
        return fields;
    }

    private String name(String file, String question) {
        return named
                ? names.apply(file, question).stream()
                        .map(name -> label(name) + "\t")
                        .collect(Collectors.joining())
                : "";
    }

    /** A tab or a line break in a name would look like the end of it. */
    private static String label(String name) {
        return name.chars().anyMatch(Character::isISOControl) ? json(name) : name;
    }

    static String json(Object value) {
        try {
            return JSON.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
