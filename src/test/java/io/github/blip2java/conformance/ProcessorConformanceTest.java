/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.processor.Blip2ImageProcessor;
import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageProcessorConfig;
import io.github.blip2java.processor.ProcessorOutput;
import io.github.blip2java.processor.TextOptions;
import io.github.blip2java.processor.TextOptions.Padding;
import io.github.blip2java.processor.TextOptions.Side;
import io.github.blip2java.processor.TextOptions.Truncation;
import io.github.blip2java.processor.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Texts with padding, truncation and image tokens against transformers' Blip2Processor. */
class ProcessorConformanceTest {

    private static final Path TOKENIZERS = Path.of(System.getProperty("blip2.test.resources"), "tokenizers");
    private static final JsonNode EXPECTED = read();

    private static JsonNode read() {
        try {
            return new ObjectMapper()
                    .readTree(TOKENIZERS.resolve("processor.json").toFile());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static Stream<Arguments> cases() {
        return StreamSupport.stream(EXPECTED.get("cases").spliterator(), false)
                .map(one -> Arguments.argumentSet(
                        one.get("tokenizer").textValue() + " with " + one.get("num_query_tokens") + " image tokens, "
                                + (one.get("images").booleanValue() ? "images, " : "no images, ") + one.get("options"),
                        one));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void idsAndMasksAreEqual(JsonNode expected) throws IOException {
        List<String> texts = StreamSupport.stream(EXPECTED.get("texts").spliterator(), false)
                .map(JsonNode::textValue)
                .toList();
        Image image = Image.ofRgb(1, 1, new byte[] {10, 20, 30});
        List<Image> images = expected.get("images").booleanValue() ? Collections.nCopies(texts.size(), image) : null;
        try (Blip2Processor processor = processor(expected)) {
            ProcessorOutput output = processor.process(images, texts, options(expected.get("options")));
            assertThat(output.inputIds()).isEqualTo(rows(expected.get("input_ids")));
            assertThat(output.attentionMask()).isEqualTo(rows(expected.get("attention_mask")));
            if (images == null) {
                assertThat(output.pixelValues()).isNull();
            } else {
                assertThat(output.pixelValues().shape()).containsExactly(texts.size(), 3, 8, 8);
            }
        }
    }

    private static Blip2Processor processor(JsonNode expected) throws IOException {
        JsonNode queries = expected.get("num_query_tokens");
        return new Blip2Processor(
                new Blip2ImageProcessor(ImageProcessorConfig.defaults().withSize(8, 8)),
                Tokenizer.fromPretrained(
                        TOKENIZERS.resolve(expected.get("tokenizer").textValue())),
                queries.isNull() ? OptionalInt.empty() : OptionalInt.of(queries.intValue()),
                Side.RIGHT);
    }

    /** Keyword arguments of transformers as our options. */
    private static TextOptions options(JsonNode keywords) {
        TextOptions options = TextOptions.defaults();
        if (keywords.has("padding")) {
            boolean longest = keywords.get("padding").isBoolean();
            options = options.withPadding(longest ? Padding.LONGEST : Padding.MAX_LENGTH);
        }
        if (keywords.has("padding_side")) {
            boolean left = keywords.get("padding_side").textValue().equals("left");
            options = options.withPaddingSide(left ? Side.LEFT : Side.RIGHT);
        }
        if (keywords.has("truncation")) {
            options =
                    options.withTruncation(keywords.get("truncation").booleanValue() ? Truncation.ON : Truncation.OFF);
        }
        if (keywords.has("max_length")) {
            options = options.withMaxLength(keywords.get("max_length").intValue());
        }
        if (keywords.has("add_special_tokens")) {
            options = options.withAddSpecialTokens(
                    keywords.get("add_special_tokens").booleanValue());
        }
        return options;
    }

    private static long[][] rows(JsonNode rows) {
        return StreamSupport.stream(rows.spliterator(), false)
                .map(TokenizerConformanceTest::longs)
                .toArray(long[][]::new);
    }
}
