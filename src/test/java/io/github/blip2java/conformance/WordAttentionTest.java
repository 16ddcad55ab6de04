/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.blip2java.AttentionMap;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.checkpoint.SafetensorsFile;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.pipeline.AttendedWord;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** What words look at: as the attention of {@code transformers} says, which {@code attention_reference.py} composed. */
class WordAttentionTest {
    static Stream<String> cases() throws IOException {
        return AttentionTest.expected().get("words").propertyStream().map(entry -> entry.getKey());
    }

    @Tag("arithmetic")
    @ParameterizedTest
    @MethodSource("cases")
    void equalsTheAttentionOfTransformers(String name) throws IOException {
        Path folder = Resources.reference().resolve(name);
        try (Blip2ForConditionalGeneration model =
                        Blip2ForConditionalGeneration.fromPretrained(folder.resolve("checkpoint"));
                SafetensorsFile inputs = SafetensorsFile.open(folder.resolve("reference.safetensors"));
                SafetensorsFile expected =
                        SafetensorsFile.open(Resources.root().resolve("attention/" + name + ".safetensors"))) {
            INDArray pixels = AttentionTest.array(inputs, "input.pixel_values");
            JsonNode texts = AttentionTest.expected().get("words").get(name);
            assertThat(texts).hasSize(2);
            for (int text = 0; text < 2; text++) {
                JsonNode asked = texts.get(text);
                long[] prompt = longs(asked.get("input_ids"));
                long[] tokens = longs(asked.get("tokens"));
                INDArray picture = one(pixels, asked.get("image").intValue());
                List<AttentionMap> maps = model.attentionMaps(picture, false, new long[][] {prompt}, null, tokens);
                float[] values = AttentionTest.floats(expected, text + ".map");
                int each = values.length / tokens.length;
                assertThat(maps).hasSize(tokens.length);
                for (int i = 0; i < tokens.length; i++) {
                    AttentionTest.assertClose(
                            AttentionTest.flat(maps.get(i)),
                            Arrays.copyOfRange(values, i * each, (i + 1) * each),
                            name + " token " + i);
                }
                // Padding on either side changes nothing.
                int length = prompt.length;
                long[] padded = new long[length + 3];
                System.arraycopy(prompt, 0, padded, 2, length);
                long[] mask = new long[length + 3];
                Arrays.fill(mask, 2, 2 + length, 1);
                AttentionTest.assertClose(
                        model.attentionMaps(picture, false, new long[][] {padded}, new long[][] {mask}, tokens), maps);
                assertThat(maps).allSatisfy(WordAttentionTest::assertIsAShareOfAttention);
            }
            // Without a prompt the model starts from the picture alone.
            long[] tokens = longs(texts.get(0).get("tokens"));
            if (!model.config().textConfig().isEncoderDecoder()) {
                AttentionTest.assertClose(
                        model.attentionMaps(one(pixels, 0), false, null, null, tokens),
                        model.attentionMaps(
                                one(pixels, 0),
                                false,
                                new long[][] {longs(texts.get(0).get("input_ids"))},
                                null,
                                tokens));
            }
        }
    }

    private static void assertIsAShareOfAttention(AttentionMap map) {
        for (float[][] head : map.values()) {
            double sum = 0;
            for (float[] row : head) {
                for (float value : row) {
                    sum += value;
                }
            }
            assertThat(sum).isPositive().isLessThan(1 + 1e-5);
        }
    }

    /** Checkpoints without an image token, whose features stand before the text. */
    @ParameterizedTest
    @ValueSource(strings = {"opt-legacy", "t5-legacy"})
    void theOlderLayoutHasThemToo(String name) throws IOException {
        Path folder = Resources.reference().resolve(name);
        try (Blip2ForConditionalGeneration model =
                        Blip2ForConditionalGeneration.fromPretrained(folder.resolve("checkpoint"));
                SafetensorsFile inputs = SafetensorsFile.open(folder.resolve("reference.safetensors"))) {
            INDArray picture = one(AttentionTest.array(inputs, "input.pixel_values"), 0);
            List<AttentionMap> maps =
                    model.attentionMaps(picture, false, new long[][] {{5, 6, 7}}, null, new long[] {8, 9});
            assertThat(maps).hasSize(2).allSatisfy(WordAttentionTest::assertIsAShareOfAttention);
            // What follows a token does not matter to it.
            assertThat(model.attentionMaps(picture, false, new long[][] {{5, 6, 7}}, null, new long[] {8}))
                    .allSatisfy(map ->
                            AttentionTest.assertClose(AttentionTest.flat(map), AttentionTest.flat(maps.get(0)), name));
        }
    }

    @Test
    void saysWhatIsWrong() throws IOException {
        Path folder = Resources.reference().resolve("opt-tiny");
        try (Blip2ForConditionalGeneration model =
                        Blip2ForConditionalGeneration.fromPretrained(folder.resolve("checkpoint"));
                SafetensorsFile inputs = SafetensorsFile.open(folder.resolve("reference.safetensors"))) {
            INDArray pixels = AttentionTest.array(inputs, "input.pixel_values");
            assertThatThrownBy(() -> model.attentionMaps(pixels, false, null, null, new long[] {5}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("pixelValues: expected one picture, got 2; ask about each by itself");
            for (long[] none : new long[][] {null, {}}) {
                assertThatThrownBy(() -> model.attentionMaps(one(pixels, 0), false, null, null, none))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("newTokens: expected one id or more, got none; pass what generate returned");
            }
            assertThatThrownBy(() -> model.attentionMaps(one(pixels, 0), false, null, null, new long[] {5, 100_000}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("newTokens: expected ids from 0 to 335, got 100000");
            assertThatThrownBy(() -> model.attentionMaps(one(pixels, 0), false, null, null, new long[1000]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("sequence: expected at most");
        }
    }

    /** The demo model's captions of two of its pictures, word by word. */
    @Test
    void tokensArePutTogetherToTheWordsOfTheText() throws IOException {
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(DemoModel.checkpoint())) {
            List<String> texts = new ArrayList<>();
            for (String file : List.of("red-apple.png", "bicycle.png")) {
                Image image = ImageReader.read(HeldOutDrawings.REPOSITORY.resolve("docs/pictures/" + file));
                for (String prompt : new String[] {null, "a photo of"}) {
                    GeneratedText text = blip2.caption(image, prompt);
                    List<AttendedWord> words = blip2.explain(image, prompt, text);
                    assertThat(words.stream().map(AttendedWord::word).toList())
                            .isEqualTo(List.of(text.text().split(" ")));
                    assertThat(words).allSatisfy(word -> assertIsAShareOfAttention(word.map()));
                    // All that spells something, in order: the end is not among it.
                    List<Long> spelled = words.stream()
                            .flatMap(word -> word.tokenIds().stream())
                            .toList();
                    assertThat(text.tokenIds()).containsSubsequence(spelled);
                    assertThat(spelled.size())
                            .isGreaterThanOrEqualTo(text.tokenIds().size() - 1);
                    texts.add(text.text());
                }
            }
            assertThat(texts).contains("a red apple", "a bicycle");
        }
    }

    private static INDArray one(INDArray pixels, int image) {
        return pixels.get(NDArrayIndex.interval(image, image + 1)).dup('c');
    }

    private static long[] longs(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToLong(JsonNode::longValue)
                .toArray();
    }
}
