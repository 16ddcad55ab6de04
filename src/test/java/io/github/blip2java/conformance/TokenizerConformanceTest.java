/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.processor.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Three kinds of tokenizer against transformers: {@code tokenizers_reference.py} wrote the expectations. */
class TokenizerConformanceTest {

    private static final Path TOKENIZERS = Path.of(System.getProperty("blip2.test.resources"), "tokenizers");
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final List<String> TEXTS = texts();

    private static List<String> texts() {
        return StreamSupport.stream(read("texts.json").spliterator(), false)
                .map(JsonNode::textValue)
                .toList();
    }

    private static JsonNode read(String file) {
        try {
            return MAPPER.readTree(TOKENIZERS.resolve(file).toFile());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void thereAreEnoughTextsFromAllPlanes() {
        assertThat(TEXTS).hasSizeGreaterThanOrEqualTo(500).doesNotHaveDuplicates();
        assertThat(TEXTS.stream().flatMapToInt(String::codePoints).map(point -> point >> 16))
                .contains(0, 1, 2, 3, 14, 15, 16);
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt", "t5", "bert"})
    void idsAndDecodedTextsAreEqual(String name) throws IOException {
        JsonNode expected = read(name + "/expected.json");
        SoftAssertions differences = new SoftAssertions();
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(TOKENIZERS.resolve(name))) {
            assertThat(expected.get("texts")).hasSize(TEXTS.size());
            long[] around = tokenizer.encode("", true);
            for (int i = 0; i < TEXTS.size(); i++) {
                String text = TEXTS.get(i);
                JsonNode wanted = expected.get("texts").get(i);
                long[] ids = tokenizer.encode(text, true);
                differences.assertThat(ids).as("ids of %s", quoted(text)).containsExactly(longs(wanted.get("ids")));
                differences
                        .assertThat(tokenizer.encode(text, false))
                        .as("ids of %s without special tokens", quoted(text))
                        .containsExactly(inner(ids, around, name));
                checkDecoded(differences, tokenizer, ids, wanted, text);
            }
        }
        differences.assertAll();
    }

    /** The ids without the special tokens that stand around every text. */
    private static long[] inner(long[] ids, long[] around, String name) {
        int front = name.equals("t5") ? 0 : 1;
        return Arrays.copyOfRange(ids, front, ids.length - (around.length - front));
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt", "t5", "bert"})
    void arbitraryIdsAreDecodedTheSame(String name) throws IOException {
        SoftAssertions differences = new SoftAssertions();
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(TOKENIZERS.resolve(name))) {
            for (JsonNode wanted : read(name + "/expected.json").get("arbitrary")) {
                checkDecoded(
                        differences,
                        tokenizer,
                        longs(wanted.get("ids")),
                        wanted,
                        wanted.get("ids").toString());
            }
        }
        differences.assertAll();
    }

    private static void checkDecoded(
            SoftAssertions differences, Tokenizer tokenizer, long[] ids, JsonNode wanted, String what) {
        JsonNode shown = wanted.get("without_special");
        differences
                .assertThat(tokenizer.decode(ids, true))
                .as("decoded %s without special tokens", quoted(what))
                .isEqualTo(shown == null ? what : shown.textValue());
        differences
                .assertThat(tokenizer.decode(ids, false))
                .as("decoded %s", quoted(what))
                .isEqualTo(wanted.get("decoded").textValue());
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt", "t5", "bert"})
    void specialIdsAreEqual(String name) throws IOException {
        JsonNode expected = read(name + "/expected.json");
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(TOKENIZERS.resolve(name))) {
            assertThat(tokenizer.vocabSize())
                    .isEqualTo(expected.get("vocab_size").intValue());
            assertThat(tokenizer.imageToken()).isEqualTo("<image>");
            assertThat(tokenizer.imageTokenId())
                    .isEqualTo(expected.get("image_token_id").intValue());
            assertThat(tokenizer.tokenId("<image>")).hasValue(tokenizer.imageTokenId());
            assertThat(tokenizer.tokenId("no such token")).isEmpty();
            assertThat(tokenizer.bosTokenId()).isEqualTo(optional(expected.get("bos_token_id")));
            assertThat(tokenizer.eosTokenId()).isEqualTo(optional(expected.get("eos_token_id")));
            assertThat(tokenizer.padTokenId()).isEqualTo(optional(expected.get("pad_token_id")));
        }
    }

    @Test
    void vocabAndMergesFilesGiveTheSameIds() throws IOException {
        JsonNode special = read("opt-vocab-merges/expected.json").get("except");
        JsonNode expected = read("opt/expected.json").get("texts");
        SoftAssertions differences = new SoftAssertions();
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(TOKENIZERS.resolve("opt-vocab-merges"))) {
            for (int i = 0; i < TEXTS.size(); i++) {
                String text = TEXTS.get(i);
                JsonNode wanted =
                        special.has(text) ? special.get(text) : expected.get(i).get("ids");
                differences
                        .assertThat(tokenizer.encode(text, true))
                        .as("ids of %s", quoted(text))
                        .containsExactly(longs(wanted));
            }
        }
        differences.assertAll();
    }

    @Test
    void manyThreadsGetTheSameResults() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(TOKENIZERS.resolve("t5"))) {
            List<String> alone =
                    TEXTS.stream().map(text -> roundTrip(tokenizer, text)).toList();
            for (int repeat = 0; repeat < 5; repeat++) {
                assertThat(TEXTS.parallelStream()
                                .map(text -> roundTrip(tokenizer, text))
                                .toList())
                        .isEqualTo(alone);
            }
        }
    }

    private static String roundTrip(Tokenizer tokenizer, String text) {
        long[] ids = tokenizer.encode(text, true);
        return Arrays.toString(ids) + tokenizer.decode(ids, true);
    }

    private static OptionalInt optional(JsonNode value) {
        return value.isNull() ? OptionalInt.empty() : OptionalInt.of(value.intValue());
    }

    static long[] longs(JsonNode list) {
        return IntStream.range(0, list.size())
                .mapToLong(i -> list.get(i).longValue())
                .toArray();
    }

    /** JSON's spelling, so that invisible characters show in a failure. */
    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.chars()
                .forEach(
                        unit -> quoted.append(unit >= 32 && unit < 127 ? "" + (char) unit : "\\u%04x".formatted(unit)));
        return quoted.append('"').toString();
    }
}
