/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.FileResult;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** From picture file to text, against transformers: {@code pipeline_reference.py} wrote the expectations. */
class PipelineConformanceTest {

    private static final Path RESOURCES = Path.of(System.getProperty("blip2.test.resources"));
    private static final Path IMAGES = RESOURCES.resolve("images");
    private static final Map<String, Blip2Pipeline> PIPELINES = new HashMap<>();

    @BeforeAll
    static void load() throws IOException {
        for (String name : List.of("opt-tiny", "t5-gated", "opt-legacy", "opt-interpolate")) {
            PIPELINES.put(name, Blip2Pipeline.load(RESOURCES.resolve("reference/" + name + "/checkpoint")));
        }
    }

    @AfterAll
    static void close() {
        PIPELINES.values().forEach(Blip2Pipeline::close);
    }

    static Stream<Arguments> cases() throws IOException {
        JsonNode expected = new ObjectMapper()
                .readTree(RESOURCES.resolve("pipeline/expected.json").toFile());
        return StreamSupport.stream(expected.get("cases").spliterator(), false)
                .map(one -> Arguments.argumentSet(
                        one.get("checkpoint").textValue() + ": "
                                + one.get("kind").textValue() + " of "
                                + one.get("picture").textValue() + ", " + one.get("input"),
                        one));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void textsAreEqual(JsonNode expected) throws IOException {
        Blip2Pipeline pipeline = PIPELINES.get(expected.get("checkpoint").textValue());
        Image image = image(expected.get("picture").textValue());
        String input = expected.get("input").textValue();
        GeneratedText text = expected.get("kind").textValue().equals("answer")
                ? pipeline.answer(image, input)
                : pipeline.caption(image, input);
        assertThat(text.tokenIds())
                .containsExactly(StreamSupport.stream(expected.get("token_ids").spliterator(), false)
                        .map(JsonNode::longValue)
                        .toArray(Long[]::new));
        assertThat(text.text()).isEqualTo(expected.get("text").textValue());
        boolean full = text.tokenIds().size() == Blip2Pipeline.DEFAULT_MAX_NEW_TOKENS;
        assertThat(text.finishReason()).isEqualTo(full ? FinishReason.LENGTH : FinishReason.EOS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated", "opt-legacy", "opt-interpolate"})
    void anEncodedPictureIsAskedManyTimes(String name) throws IOException {
        Blip2Pipeline pipeline = PIPELINES.get(name);
        Image image = image("photos/cat.jpg");
        ImageEncoding encoding = pipeline.encode(image);
        assertThat(pipeline.caption(encoding)).isEqualTo(pipeline.caption(image));
        assertThat(pipeline.caption(encoding)).isEqualTo(pipeline.caption(image, ""));
        assertThat(pipeline.caption(encoding, "a photo of")).isEqualTo(pipeline.caption(image, "a photo of"));
        List<String> questions = List.of("how many?", "where does the cat sit on this photo?", "why?");
        assertThat(pipeline.generate(
                        Blip2Request.about(encoding).questions(questions).build()))
                .isEqualTo(questions.stream()
                        .map(question -> pipeline.answer(image, question))
                        .toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void aBatchIsItsPicturesOneByOne(String name) throws IOException {
        Blip2Pipeline pipeline = PIPELINES.get(name);
        List<Image> images = List.of(image("photos/cat.jpg"), image("photos/coffee.jpg"), image("photos/rocket.jpg"));
        List<Image> many = IntStream.range(0, batch(pipeline) + 4)
                .mapToObj(i -> images.get(i % 3))
                .toList();
        assertThat(pipeline.captions(many)).isEqualTo(each(many, pipeline::caption));
        assertThat(pipeline.generate(
                        Blip2Request.about(images).prompt("a photo of").build()))
                .isEqualTo(each(images, image -> pipeline.caption(image, "a photo of")));
        List<String> questions = List.of("what?", "is the cup on the table, or is it in the kitchen?", "which colour?");
        assertThat(answers(pipeline, images, questions))
                .isEqualTo(IntStream.range(0, 3)
                        .mapToObj(i -> pipeline.answer(images.get(i), questions.get(i)))
                        .toList());
        assertThat(pipeline.captions(List.of())).isEmpty();
    }

    private static List<GeneratedText> answers(Blip2Pipeline pipeline, List<Image> images, List<String> questions) {
        return pipeline.generate(Blip2Request.about(images).questions(questions).build());
    }

    private static int batch(Blip2Pipeline pipeline) {
        int side = pipeline.model().config().visionConfig().imageSize();
        return CallMemory.picturesAtATime(pipeline.model().config().visionConfig(), side, side);
    }

    private static List<GeneratedText> each(List<Image> images, Function<Image, GeneratedText> call) {
        return images.stream().map(call).toList();
    }

    @Test
    void aBrokenFileDoesNotLoseTheOthers() {
        Path cat = IMAGES.resolve("photos/cat.jpg");
        Path broken = IMAGES.resolve("broken/truncated.jpg");
        Path missing = IMAGES.resolve("photos/no-such-file.jpg");
        Blip2Pipeline pipeline = PIPELINES.get("opt-tiny");
        List<FileResult> results = pipeline.captionFiles(
                List.of(broken, cat, missing, cat, cat, cat, cat, cat, cat, broken, cat), "a photo of");
        assertThat(results).hasSize(11);
        assertThat(results.get(0).file()).isEqualTo(broken);
        assertThat(results.get(0).text()).isEmpty();
        assertThat(results.get(0).error().orElseThrow())
                .hasMessage(
                        broken + ": expected JPEG's end marker, got the end of the file after 1085 bytes; the file is"
                                + " cut short, get a complete copy");
        assertThat(results.get(2).error().orElseThrow()).hasMessage(missing + ": no such file; check the path");
        assertThat(results.get(9).error()).isPresent();
        GeneratedText caption = results.get(1).text().orElseThrow();
        for (int i : new int[] {3, 4, 5, 6, 7, 8, 10}) {
            assertThat(results.get(i).text()).contains(caption);
            assertThat(results.get(i).error()).isEmpty();
        }
    }

    @Test
    void resultsComeBatchByBatchAndFilesAreReadOneBatchAhead() {
        Blip2Pipeline pipeline = PIPELINES.get("opt-tiny");
        int batch = batch(pipeline);
        Path cat = IMAGES.resolve("photos/cat.jpg");
        Path broken = IMAGES.resolve("broken/truncated.jpg");
        int[] furthest = {0};
        List<Path> files = new AbstractList<>() {
            @Override
            public Path get(int index) {
                furthest[0] = Math.max(furthest[0], index);
                return index == batch + 1 ? broken : cat;
            }

            @Override
            public int size() {
                return 3 * batch + 1;
            }
        };
        List<Integer> sizes = new ArrayList<>();
        List<FileResult> all = new ArrayList<>();
        pipeline.captionFiles(files, null, results -> {
            sizes.add(results.size());
            all.addAll(results);
            assertThat(furthest[0]).isLessThan(all.size() + batch);
        });
        assertThat(sizes).containsExactly(batch, batch, batch, 1);
        assertThat(all).hasSize(files.size());
        GeneratedText caption = all.get(0).text().orElseThrow();
        for (int i = 0; i < all.size(); i++) {
            assertThat(all.get(i).text()).isEqualTo(i == batch + 1 ? Optional.empty() : Optional.of(caption));
        }
        assertThat(all.get(batch + 1).error()).isPresent();
    }

    @Test
    void aBatchOfBrokenFilesHasErrorsAlone() {
        Path broken = IMAGES.resolve("broken/truncated.jpg");
        Blip2Pipeline pipeline = PIPELINES.get("opt-tiny");
        assertThat(pipeline.captionFiles(List.of(broken, broken), null))
                .hasSize(2)
                .allMatch(result -> result.error().isPresent());
        assertThat(pipeline.captionFiles(List.of(), null)).isEmpty();
    }

    @Test
    void whatTheListenerThrowsEndsTheWork() {
        Path cat = IMAGES.resolve("photos/cat.jpg");
        Blip2Pipeline pipeline = PIPELINES.get("opt-tiny");
        IllegalStateException enough = new IllegalStateException("enough");
        assertThatThrownBy(() -> pipeline.captionFiles(Collections.nCopies(3 * batch(pipeline), cat), null, results -> {
                    throw enough;
                }))
                .isSameAs(enough);
    }

    @Test
    void optionsReplaceTheDefaultLength() throws IOException {
        ImageEncoding image = PIPELINES.get("opt-tiny").encode(image("photos/cat.jpg"));
        GeneratedText full = PIPELINES.get("opt-tiny").caption(image);
        GenerationConfig five = GenerationConfig.builder().maxNewTokens(5).build();
        GeneratedText cut = PIPELINES.get("opt-tiny").withOptions(five).caption(image);
        assertThat(cut.tokenIds()).isEqualTo(full.tokenIds().subList(0, 5));
        assertThat(cut.finishReason()).isEqualTo(FinishReason.LENGTH);
        int fourth = full.tokenIds().get(3).intValue();
        GeneratedText ended = PIPELINES
                .get("opt-tiny")
                .withOptions(GenerationConfig.builder().eosTokenIds(fourth).build())
                .caption(image);
        assertThat(ended.tokenIds()).isEqualTo(full.tokenIds().subList(0, 4));
        assertThat(ended.finishReason()).isEqualTo(FinishReason.EOS);
    }

    @Test
    void manyThreadsGetTheSameTexts() throws IOException {
        Blip2Pipeline pipeline = PIPELINES.get("opt-tiny");
        List<Image> images = List.of(image("photos/cat.jpg"), image("photos/coffee.jpg"), image("photos/camera.jpg"));
        Function<Integer, GeneratedText> call = i -> i % 2 == 0
                ? pipeline.caption(images.get(i % 3))
                : pipeline.answer(images.get(i % 3), "question number " + i);
        List<GeneratedText> alone = IntStream.range(0, 24).boxed().map(call).toList();
        assertThat(IntStream.range(0, 24).boxed().parallel().map(call).toList()).isEqualTo(alone);
    }

    @Test
    void wrongArgumentsAreExplained() throws IOException {
        Blip2Pipeline pipeline = PIPELINES.get("opt-tiny");
        Image image = image("photos/cat.jpg");
        assertThatThrownBy(() -> pipeline.answer(image, "what is <image>?"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "text: expected none with <image>, which stands for a part of an image, got \"Question: what is"
                                + " <image>? Short answer:\"; leave it out, image tokens are added where they belong");
        assertThatThrownBy(() -> answers(pipeline, List.of(image, image), List.of("one?", "two?", "three?")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "questions: expected one for all of the 2 pictures or one for each, got 3; ask several about"
                                + " one picture in requests of their own");
        assertThatThrownBy(() -> pipeline.generate(
                        Blip2Request.builder().question("one?").build()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("request: expected pictures, got none; begin it with Blip2Request.about(image)");
        assertThatThrownBy(() -> answers(pipeline, List.of(image), List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("texts: expected at least one text, got none");
        ImageEncoding two = pipeline.model()
                .encodeImages(pipeline.processor().imageProcessor().preprocess(Collections.nCopies(2, image)));
        assertThatThrownBy(() -> pipeline.caption(two))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("image: expected one encoded picture, got 2; take one with image(i)");
        assertThat(pipeline.caption(two.image(1))).isEqualTo(pipeline.caption(image));
    }

    @Test
    void promptsAreCheckedBeforeAPictureIsEncoded(@TempDir Path directory) throws IOException {
        Image image = image("photos/cat.jpg");
        try (Blip2Pipeline pipeline =
                Blip2Pipeline.load(Resources.withoutVision("opt-tiny", directory.resolve("checkpoint")))) {
            int batch = batch(pipeline);
            List<Image> images = Collections.nCopies(batch + 1, image);
            List<String> questions = new ArrayList<>(Collections.nCopies(batch + 1, "what?"));
            for (ThrowingCallable reached : List.<ThrowingCallable>of(
                    () -> pipeline.caption(image),
                    () -> pipeline.caption(image, "a photo of"),
                    () -> pipeline.answer(image, "what?"),
                    () -> answers(pipeline, images, questions))) {
                assertThatThrownBy(reached)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageStartingWith("image features: expected finite numbers, got NaN");
            }
            String token = "text: expected none with <image>, which stands for a part of an image, got ";
            refuses(() -> pipeline.caption(image, "a <image>"), token + "\"a <image>\"");
            refuses(
                    () -> pipeline.generate(
                            Blip2Request.about(images).prompt("a <image>").build()),
                    token + "\"a <image>\"");
            refuses(
                    () -> pipeline.captionFiles(List.of(Path.of("no-such-file.jpg")), "a <image>"),
                    token + "\"a <image>\"");
            refuses(
                    () -> pipeline.check(Blip2Request.builder()
                            .prompts(List.of("a photo of", "a <image>"))
                            .build()),
                    token + "\"a <image>\"");
            refuses(() -> pipeline.answer(image, "what is <image>?"), token + "\"Question: what is <image>?");
            questions.set(batch, "what is <image>?");
            refuses(() -> answers(pipeline, images, questions), token + "\"Question: what is <image>?");
            questions.set(batch, " ");
            refuses(
                    () -> answers(pipeline, images, questions),
                    "question: expected words, got \" \"; for a description without a question take caption");
            refuses(
                    () -> pipeline.answer(image, ""),
                    "question: expected words, got \"\"; for a description without a question take caption");
            refuses(
                    () -> pipeline.answer(image, null),
                    "question: expected words, got null; for a description without a question take caption");
            refuses(
                    () -> pipeline.answer(image, "why? ".repeat(90)),
                    "sequence: expected at most 96 positions (max_position_embeddings), got a prompt of ");
        }
    }

    private static void refuses(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith(message);
    }

    @Test
    void nothingWorksAfterClosing() throws IOException {
        Image image = image("photos/cat.jpg");
        Blip2Pipeline pipeline = Blip2Pipeline.load(RESOURCES.resolve("reference/t5-gated/checkpoint"));
        pipeline.close();
        pipeline.close();
        assertThatThrownBy(() -> pipeline.caption(image)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> pipeline.processor().tokenizer().encode("text", true))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the tokenizer is closed");
    }

    private static Image image(String name) throws IOException {
        return ImageReader.read(IMAGES.resolve(name));
    }
}
