/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.memory.InsufficientMemoryException;
import io.github.blip2java.processor.TextOptions.Padding;
import io.github.blip2java.processor.TextOptions.Side;
import io.github.blip2java.processor.TextOptions.Truncation;
import io.github.blip2java.processor.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A processor from files; that its ids are those of transformers is for the conformance tests. */
class Blip2ProcessorTest {

    private static final TextOptions PADDED = TextOptions.defaults().withPadding(Padding.LONGEST);

    @TempDir
    Path folder;

    /** Words a to d are 0 to 3, the start token is 4, the padding token 5, the image token 6. */
    @BeforeEach
    void writeFiles() throws IOException {
        write("tokenizer.json", """
                {"added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "decoder": null,
                 "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                   {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                   {"Sequence": {"id": "B", "type_id": 1}}],
                   "special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}}},
                 "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "<s>": 4, "<pad>": 5},
                   "unk_token": "a"}}
                """);
        write("tokenizer_config.json", "{\"bos_token\": \"<s>\", \"pad_token\": \"<pad>\"}");
        write("preprocessor_config.json", "{\"size\": 2}");
        write("processor_config.json", "{\"num_query_tokens\": 2}");
        write("config.json", config("opt", "6", false));
    }

    private void write(String name, String content) throws IOException {
        Files.writeString(folder.resolve(name), content);
    }

    private static String config(String textModel, String imageToken, boolean textInput) {
        return """
                {"model_type": "blip-2", "num_query_tokens": 3, "image_token_index": %s,
                 "qformer_config": {"use_qformer_text_input": %s}, "text_config": {"model_type": "%s"}}
                """.formatted(imageToken, textInput, textModel);
    }

    private long[][] ids(List<String> texts, TextOptions options) throws IOException {
        try (Blip2Processor processor = Blip2Processor.fromPretrained(folder)) {
            ProcessorOutput output = processor.prompts(texts, options);
            assertThat(output.pixelValues()).isNull();
            return output.inputIds();
        }
    }

    @Test
    void outputsShareNoIds() {
        long[][] ids = {{1, 2}, {3}};
        long[][] mask = {{1, 1}, {1}};
        ProcessorOutput output = new ProcessorOutput(null, ids, mask);
        ids[0][0] = 9;
        output.inputIds()[1][0] = 9;
        output.attentionMask()[0][0] = 9;
        ProcessorOutput same = new ProcessorOutput(null, new long[][] {{1, 2}, {3}}, new long[][] {{1, 1}, {1}});
        assertThat(output).isEqualTo(same).hasSameHashCodeAs(same);
        assertThat(output).isNotEqualTo(new ProcessorOutput(null, new long[][] {{1, 2}, {4}}, mask));
        assertThat(new ProcessorOutput(null, null, null).inputIds()).isNull();
    }

    @Test
    void imageTokensStandInFrontOfEveryRow() throws IOException {
        assertThat(ids(List.of("a b", "c"), TextOptions.defaults()))
                .isDeepEqualTo(new long[][] {{6, 6, 4, 0, 1}, {6, 6, 4, 2}});
    }

    @ParameterizedTest
    @CsvSource({"opt,false,LEFT", "t5,false,RIGHT", "opt,true,RIGHT"})
    void thePaddingSideIsWhatTheModelNeeds(String textModel, boolean textInput, Side side) throws IOException {
        write("config.json", config(textModel, "6", textInput));
        long[][] expected = side == Side.LEFT
                ? new long[][] {{6, 6, 4, 0, 1}, {6, 6, 5, 4, 2}}
                : new long[][] {{6, 6, 4, 0, 1}, {6, 6, 4, 2, 5}};
        assertThat(ids(List.of("a b", "c"), PADDED)).isDeepEqualTo(expected);
        assertThat(ids(List.of("a b", "c"), PADDED.withPaddingSide(Side.RIGHT))[1])
                .containsExactly(6, 6, 4, 2, 5);
    }

    @Test
    void theNumberOfImageTokensComesFromEitherFile() throws IOException {
        write("processor_config.json", "{}");
        assertThat(ids(List.of("a"), TextOptions.defaults())[0]).containsExactly(6, 6, 6, 4, 0);
        Files.delete(folder.resolve("processor_config.json"));
        assertThat(ids(List.of("a"), TextOptions.defaults())[0]).containsExactly(6, 6, 6, 4, 0);
        Files.delete(folder.resolve("config.json"));
        assertThat(ids(List.of("a"), TextOptions.defaults())[0]).containsExactly(4, 0);
        write("processor_config.json", "{\"num_query_tokens\": 1}");
        assertThat(ids(List.of("a"), TextOptions.defaults())[0]).containsExactly(6, 4, 0);
    }

    @Test
    void theOlderLayoutHasNoImageTokens() throws IOException {
        write("config.json", config("opt", "null", false));
        assertThat(ids(List.of("a b", "c"), PADDED)).isDeepEqualTo(new long[][] {{4, 0, 1}, {5, 4, 2}});
        assertThat(ids(List.of("a b c"), TextOptions.defaults().withMaxLength(2))[0])
                .containsExactly(4, 0);
    }

    @Test
    void theModelsPaddingTokenIsTheFallback() throws IOException {
        write("tokenizer_config.json", "{}");
        // OPT's own padding token is 1.
        assertThat(ids(List.of("a b", "c"), PADDED)[1]).containsExactly(6, 6, 1, 4, 2);
        Files.delete(folder.resolve("config.json"));
        assertThatThrownBy(() -> ids(List.of("a b", "c"), PADDED))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "padding: expected a padding token, but neither tokenizer_config.json nor config.json names one;"
                                + " pass one text at a time");
        assertThat(ids(List.of("a", "c"), PADDED)[1]).containsExactly(6, 6, 4, 2);
    }

    @Test
    void maximalLengthCountsImageTokens() throws IOException {
        TextOptions five = TextOptions.defaults().withMaxLength(5);
        assertThat(ids(List.of("a b c d"), five)[0]).containsExactly(6, 6, 4, 0, 1);
        assertThat(ids(List.of("a b c d"), five.withTruncation(Truncation.OFF))[0])
                .hasSize(7);
        assertThat(ids(List.of("a"), five.withPadding(Padding.MAX_LENGTH))[0]).containsExactly(6, 6, 5, 4, 0);
        try (Blip2Processor processor = Blip2Processor.fromPretrained(folder)) {
            // Also without an image, as in transformers.
            assertThat(processor.process(null, List.of("a b c d"), five).inputIds()[0])
                    .containsExactly(4, 0, 1);
        }
        assertThatThrownBy(() -> ids(List.of("a"), TextOptions.defaults().withMaxLength(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("maxLength: expected at least the 2 image tokens, got 1");
        assertThatThrownBy(() -> ids(List.of("a"), TextOptions.defaults().withMaxLength(2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("maxLength: expected room for 3 image and special tokens, got 2");
        assertThatThrownBy(() -> TextOptions.defaults().withMaxLength(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("maxLength: expected 1 or more, got 0");
    }

    @Test
    void imagesAloneGiveOnlyPixelValues() throws IOException {
        try (Blip2Processor processor = Blip2Processor.fromPretrained(folder)) {
            ProcessorOutput output = processor.process(List.of(Image.ofRgb(1, 1, new byte[3])), null);
            assertThat(output.pixelValues().shape()).containsExactly(1, 3, 2, 2);
            assertThat(output.inputIds()).isNull();
            assertThat(output.attentionMask()).isNull();
            assertThat(processor.numQueryTokens()).hasValue(2);
            assertThat(processor.imageProcessor().config().height()).isEqualTo(2);
        }
    }

    @Test
    void idsAreDecodedRowByRow() throws IOException {
        try (Blip2Processor processor = Blip2Processor.fromPretrained(folder)) {
            long[][] rows = {{6, 6, 4, 0, 1}, {6, 6, 5, 4, 2}};
            assertThat(processor.batchDecode(rows, true)).containsExactly("a b", "c");
            assertThat(processor.decode(rows[1], false)).isEqualTo("<image> <image> <pad> <s> c");
        }
    }

    @Test
    void wrongArgumentsAreExplained() throws IOException {
        try (Blip2Processor processor = Blip2Processor.fromPretrained(folder)) {
            assertThatThrownBy(() -> processor.process(null, null))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("expected images, texts or both, got neither");
            assertThatThrownBy(() -> processor.process(null, List.of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("texts: expected at least one text, got none");
            assertThatThrownBy(() -> processor.process(null, List.of("a <image> b")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "text: expected none with <image>, which stands for a part of an image, got \"a <image> b\";"
                                    + " leave it out, image tokens are added where they belong");
        }
    }

    @Test
    void aClosedProcessorSaysSo() throws IOException {
        Blip2Processor processor = Blip2Processor.fromPretrained(folder);
        processor.close();
        assertThatThrownBy(() -> processor.decode(new long[] {1}, true))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the tokenizer is closed");
    }

    @Test
    void sizesOutOfRangeAreRefusedAtOnce() throws IOException {
        write("processor_config.json", "{\"num_query_tokens\": 100000}");
        assertThatThrownBy(() -> Blip2Processor.fromPretrained(folder))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("processor_config.json: num_query_tokens: expected a whole number from 0 to 4096, got"
                        + " 100000; download it again");
        write("processor_config.json", "{\"image_processor\": {\"size\": {\"height\": 1000000, \"width\": 1000000}}}");
        assertThatThrownBy(() -> Blip2Processor.fromPretrained(folder))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage(
                        "processor_config.json: image_processor.size.height: expected a whole number from 1 to 4096,"
                                + " got 1000000; download it again");
    }

    @Test
    void whatTheHeapCannotHoldIsRefusedBeforeItIsMade() throws IOException {
        long heap = Runtime.getRuntime().maxMemory();
        Blip2ImageProcessor large =
                new Blip2ImageProcessor(ImageProcessorConfig.defaults().withSize(1024, 1024));
        List<Image> pictures =
                Collections.nCopies((int) (heap / (3L * 1024 * 1024 * 4)) + 1, Image.ofRgb(1, 1, new byte[3]));
        assertThatThrownBy(() -> large.preprocess(pictures))
                .isInstanceOf(InsufficientMemoryException.class)
                .hasMessageStartingWith(
                        "pictures: expected room for the pixel values of " + pictures.size() + " of 1024x1024, ")
                .hasMessageEndingWith(" MiB, got " + (heap >> 20)
                        + " MiB of heap in all; take fewer at a time, or start Java with a larger heap (-Xmx)");
        TextOptions endless =
                TextOptions.defaults().withPadding(Padding.MAX_LENGTH).withMaxLength(Integer.MAX_VALUE);
        assertThatThrownBy(() -> ids(Collections.nCopies(100, "a"), endless))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("maxLength: expected rows that fit into Java's heap of " + (heap >> 20)
                        + " MiB, got 100 of 2147483645 tokens, ");
    }

    @ParameterizedTest
    @CsvSource({"512,512", "1048576,1048576", "1048577,", "1e30,", "1000000000000000019884624838656,", "null,"})
    void modelMaxLengthIsALimitWhereAModelCanHaveIt(String written, Integer limit) throws IOException {
        write("tokenizer_config.json", "{\"model_max_length\": " + written + "}");
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(folder)) {
            assertThat(tokenizer.modelMaxLength())
                    .isEqualTo(limit == null ? OptionalInt.empty() : OptionalInt.of(limit));
        }
        write("tokenizer_config.json", "{\"model_max_length\": 0}");
        assertThatThrownBy(() -> Tokenizer.fromPretrained(folder))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("tokenizer_config.json: model_max_length: expected a whole number from 1 to 1048576, got 0;"
                        + " download it again");
    }
}
