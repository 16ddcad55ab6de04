/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.csv.CsvGenerator;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import io.github.blip2java.pipeline.GeneratedText;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How a table of texts is written, and read again. Names of fields are those of Hugging Face's {@code imagefolder} data sets. */
abstract class Rows {
    static final String FILE = "file_name";
    static final String QUESTION = "question";
    static final String TEXT = "text";
    static final String SIZE = "size";
    static final String MODIFIED = "modified";

    /** What stands before the first row. */
    abstract String header();

    /** How the header, or every row behind it, begins: by this one that was cut off is known. */
    abstract String start(boolean headed);

    /** A row with its line break. */
    abstract String row(PictureFile picture, String question, GeneratedText text);

    /** Takes a row apart; null where it is none. */
    abstract CaptionRow parse(String row);

    /** Whether a line break ends a row that has so many quotation marks. */
    abstract boolean endsRow(int quotes);

    static Rows of(TableFormat format, boolean questions) {
        return format == TableFormat.JSONL ? new JsonLines() : new Csv(questions);
    }

    private static CaptionRow parsed(String name, String question, String text, String size, String modified) {
        try {
            return new CaptionRow(
                    name,
                    question,
                    text,
                    size == null ? -1 : Long.parseLong(size),
                    modified == null ? Instant.EPOCH : Instant.parse(modified));
        } catch (NumberFormatException | DateTimeException e) {
            return null;
        }
    }

    private static final class JsonLines extends Rows {
        private static final ObjectMapper JSON =
                new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

        @Override
        String header() {
            return "";
        }

        @Override
        String start(boolean headed) {
            return "{\"" + FILE + "\":\"";
        }

        @Override
        String row(PictureFile picture, String question, GeneratedText text) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put(FILE, picture.name());
            if (question != null) {
                fields.put(QUESTION, question);
            }
            fields.put(TEXT, text.text());
            if (!text.alternatives().isEmpty()) {
                fields.put(
                        "alternatives",
                        text.alternatives().stream().map(GeneratedText::text).toList());
            }
            if (!text.logProbabilities().isEmpty()) {
                fields.put("log_probability", text.logProbability());
            }
            fields.put("finish_reason", text.finishReason().name().toLowerCase(Locale.ROOT));
            fields.put(SIZE, picture.size());
            fields.put(MODIFIED, picture.modified().toString());
            try {
                return JSON.writeValueAsString(fields) + "\n";
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        CaptionRow parse(String row) {
            try {
                JsonNode json = JSON.readTree(row);
                return json.path(FILE).isTextual() && json.path(TEXT).isTextual()
                        ? parsed(
                                json.get(FILE).textValue(),
                                json.path(QUESTION).textValue(),
                                json.get(TEXT).textValue(),
                                json.path(SIZE).asText(null),
                                json.path(MODIFIED).asText(null))
                        : null;
            } catch (JsonProcessingException e) {
                return null;
            }
        }

        @Override
        boolean endsRow(int quotes) {
            return true;
        }
    }

    /** RFC 4180, with line feeds. */
    private static final class Csv extends Rows {
        private static final CsvMapper CSV = CsvMapper.builder()
                .enable(CsvParser.Feature.WRAP_AS_ARRAY)
                .enable(CsvGenerator.Feature.ALWAYS_QUOTE_STRINGS)
                .build();

        private final boolean questions;

        Csv(boolean questions) {
            this.questions = questions;
        }

        @Override
        String header() {
            return String.join(
                            ",",
                            questions
                                    ? List.of(FILE, QUESTION, TEXT, SIZE, MODIFIED)
                                    : List.of(FILE, TEXT, SIZE, MODIFIED))
                    + "\n";
        }

        @Override
        String start(boolean headed) {
            return headed ? "\"" : header();
        }

        @Override
        String row(PictureFile picture, String question, GeneratedText text) {
            List<Object> values = new ArrayList<>();
            values.add(picture.name());
            if (questions) {
                values.add(question);
            }
            values.addAll(
                    List.of(text.text(), picture.size(), picture.modified().toString()));
            try {
                return CSV.writeValueAsString(values);
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        CaptionRow parse(String row) {
            try {
                String[][] rows = CSV.readValue(row, String[][].class);
                int columns = questions ? 5 : 4;
                if (rows.length != 1 || rows[0].length != columns) {
                    return null;
                }
                String[] values = rows[0];
                return parsed(
                        values[0],
                        questions ? values[1] : null,
                        values[columns - 3],
                        values[columns - 2],
                        values[columns - 1]);
            } catch (JsonProcessingException e) {
                return null;
            }
        }

        @Override
        boolean endsRow(int quotes) {
            return quotes % 2 == 0;
        }
    }
}
