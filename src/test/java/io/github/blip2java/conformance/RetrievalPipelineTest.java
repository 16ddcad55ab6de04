/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static io.github.blip2java.conformance.Rounding.assertEqualButForLastBits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.RetrievalImages;
import io.github.blip2java.RetrievalTexts;
import io.github.blip2java.checkpoint.SafetensorsFile;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.pipeline.LabelScore;
import io.github.blip2java.pipeline.RankedMatch;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** From pictures and texts to matches, rankings and labels. */
class RetrievalPipelineTest {
    private static final List<String> TEXTS =
            List.of("a red apple", "two dogs running on the beach in the evening", "a cat", "pizza");

    private static Blip2RetrievalPipeline pipeline;
    private static List<Image> images;

    @BeforeAll
    static void load() throws IOException {
        pipeline = Blip2RetrievalPipeline.load(Resources.checkpoint("itm-tiny"));
        images = new ArrayList<>();
        for (String name : List.of("cat.jpg", "coffee.jpg", "rocket.jpg", "astronaut.jpg", "cat.jpg")) {
            images.add(ImageReader.read(Resources.photo(name)));
        }
    }

    @AfterAll
    static void close() {
        pipeline.close();
    }

    /** LAVIS: the best by cosine, in the order of matching logit plus cosine. */
    @ParameterizedTest
    @ValueSource(strings = {"itm-tiny", "itm-image-token", "itm-bf16", "itm-wide"})
    void ranksAsLavisDoes(String name) throws IOException {
        Path folder = Resources.reference().resolve(name);
        JsonNode json =
                new ObjectMapper().readTree(folder.resolve("reference.json").toFile());
        List<String> texts = StreamSupport.stream(json.get("text_inputs").spliterator(), false)
                .map(JsonNode::textValue)
                .toList();
        JsonNode ranking = json.get("ranking");
        int best = ranking.get("best").intValue();
        try (Blip2RetrievalPipeline blip2 = Blip2RetrievalPipeline.load(folder.resolve("checkpoint"))) {
            RetrievalImages encoded = blip2.model().encodeImages(pixels(folder));
            RetrievalTexts embedded = blip2.encodeTexts(texts);
            for (int image = 0; image < encoded.size(); image++) {
                assertThat(indices(blip2.rank(encoded.image(image), embedded, best)))
                        .isEqualTo(integers(ranking.get("texts_of_images").get(image)));
            }
            for (int text = 0; text < texts.size(); text++) {
                assertThat(indices(blip2.search(encoded, texts.get(text), best)))
                        .isEqualTo(integers(ranking.get("images_of_texts").get(text)));
            }
        }
    }

    private static INDArray pixels(Path folder) throws IOException {
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("reference.safetensors"))) {
            int[] shape = Arrays.stream(file.tensors().get("input.pixel_values").shape())
                    .mapToInt(Math::toIntExact)
                    .toArray();
            float[] values = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
            file.map("input.pixel_values").asFloatBuffer().get(values);
            return Tensors.toINDArray(Tensor.of(values, shape));
        }
    }

    private static List<Integer> indices(List<RankedMatch> ranked) {
        return ranked.stream().map(RankedMatch::index).toList();
    }

    private static List<Integer> integers(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::intValue)
                .toList();
    }

    @Test
    void everyPictureMeetsEveryText() {
        List<List<ImageTextMatch>> all = pipeline.match(images, TEXTS);
        float[][] similarities = pipeline.similarities(images, TEXTS);
        assertThat(all).hasSize(5).allSatisfy(row -> assertThat(row).hasSize(4));
        assertEqualButForLastBits(all.get(4), all.get(0)); // the same picture
        ImageTextMatch one = pipeline.match(images.get(1), TEXTS.get(2));
        assertThat(one.matchLogit()).isCloseTo(all.get(1).get(2).matchLogit(), within(2e-5f));
        assertThat(one.cosine()).isCloseTo(similarities[1][2], within(2e-5f));
        assertEqualButForLastBits(pipeline.model().match(pipeline.encode(images), pipeline.encodeTexts(TEXTS)), all);
    }

    @Test
    void lookingAgainAtAllIsTheWholeOfMatching() {
        List<ImageTextMatch> row = pipeline.match(images, TEXTS).get(2);
        List<RankedMatch> ranked = pipeline.rank(images.get(2), TEXTS, TEXTS.size());
        assertThat(indices(ranked))
                .isEqualTo(IntStream.range(0, TEXTS.size())
                        .boxed()
                        .sorted(Comparator.comparing(text -> -row.get(text).rankingScore()))
                        .toList());
        assertEqualButForLastBits(pipeline.rank(images.get(2), TEXTS, Integer.MAX_VALUE), ranked);
        // Of fewer, those with the highest cosines.
        List<Integer> byCosine = IntStream.range(0, TEXTS.size())
                .boxed()
                .sorted(Comparator.comparing(text -> -row.get(text).cosine()))
                .toList();
        assertThat(indices(pipeline.rank(images.get(2), TEXTS, 2)))
                .containsExactlyInAnyOrderElementsOf(byCosine.subList(0, 2));
    }

    @Test
    void picturesAreFoundInAnyNumberOfBatches() {
        int batch = CallMemory.picturesAtATime(pipeline.model().config().visionConfig(), 28, 28);
        List<Image> many = new ArrayList<>(Collections.nCopies(2 * batch, images.get(0)));
        many.set(3, images.get(1));
        many.set(batch + 5, images.get(2));
        many.addAll(images.subList(1, 4));
        List<RankedMatch> found = pipeline.search(many, TEXTS.get(3), 9);
        assertThat(indices(found)).isEqualTo(indices(pipeline.search(pipeline.encode(many), TEXTS.get(3), 9)));
        float[][] similarities = pipeline.similarities(many, List.of(TEXTS.get(3)));
        assertThat(similarities).hasDimensions(many.size(), 1);
        float[] byCosine = new float[many.size()];
        IntStream.range(0, byCosine.length).forEach(image -> byCosine[image] = similarities[image][0]);
        Arrays.sort(byCosine);
        assertThat(found).hasSize(9).allSatisfy(ranked -> {
            assertThat(ranked.match().cosine()).isGreaterThanOrEqualTo(byCosine[byCosine.length - 9] - 1e-6f);
            assertThat(ranked.match().cosine()).isCloseTo(similarities[ranked.index()][0], within(1e-5f));
        });
        assertThat(found)
                .isSortedAccordingTo(
                        Comparator.comparing(ranked -> -ranked.match().rankingScore()));
        assertThat(pipeline.match(many, TEXTS)).hasSize(many.size());
    }

    @Test
    void embeddingsHaveLengthOne() {
        float[][] texts = pipeline.embedTexts(TEXTS);
        float[][] pictures = pipeline.embedImages(images);
        assertThat(texts).hasDimensions(4, 16);
        assertThat(pictures).hasDimensions(5, 16);
        for (float[] vector : pictures) {
            double length = 0;
            for (float value : vector) {
                length += value * value;
            }
            assertThat(length).isCloseTo(1, within(1e-5));
        }
        Rounding.assertEqualButForLastBits(pictures[0], pictures[4]);
        Rounding.assertEqualButForLastBits(texts[1], pipeline.encodeTexts(TEXTS).embedding(1));
    }

    @Test
    void labelsAreTheMeanOfTheirTemplates() {
        List<String> labels = List.of("cat", "coffee", "rocket");
        List<String> templates = List.of("a photo of a {}", "{}, seen from above");
        List<LabelScore> scores = pipeline.classifier(labels, templates).classify(images.get(0));
        assertThat(scores).extracting(LabelScore::label).containsExactlyInAnyOrderElementsOf(labels);
        assertThat(scores.stream().mapToDouble(LabelScore::probability).sum()).isCloseTo(1, within(1e-6));
        float[][] queries = pipeline.encode(images.get(0)).queryEmbeddings(0);
        for (LabelScore score : scores) {
            float[][] two =
                    pipeline.embedTexts(List.of("a photo of a " + score.label(), score.label() + ", seen from above"));
            double length = 0;
            for (int i = 0; i < 16; i++) {
                length += Math.pow(two[0][i] + two[1][i], 2);
            }
            double cosine = -1;
            for (float[] query : queries) {
                double dot = 0;
                for (int i = 0; i < 16; i++) {
                    dot += query[i] * (two[0][i] + two[1][i]);
                }
                cosine = Math.max(cosine, dot / Math.sqrt(length));
            }
            assertThat((double) score.cosine()).isCloseTo(cosine, within(1e-5));
            double odds = Math.exp((score.cosine() - scores.get(0).cosine()) / 0.07);
            assertThat((double) score.probability() / scores.get(0).probability())
                    .isCloseTo(odds, within(1e-4));
        }
        assertThat(scores).isSortedAccordingTo(Comparator.comparing(score -> -score.cosine()));
        assertThat(pipeline.classifier(labels, templates)
                        .classify(images)
                        .get(0)
                        .get(0)
                        .label())
                .isEqualTo(scores.get(0).label());
        assertThat(pipeline.classify(images.get(0), List.of(" cat ")))
                .singleElement()
                .satisfies(score -> {
                    assertThat(score.probability()).isEqualTo(1);
                    assertThat(score.cosine())
                            .isCloseTo(pipeline.similarities(images, List.of("a photo of a cat"))[0][0], within(1e-5f));
                });
    }

    /** The tokenizer would let 512 tokens pass; the model has 24 positions. */
    @Test
    void aLongTextIsCutAndTheLogSaysSoOnce() throws IOException {
        String pizzas = "pizza ".repeat(598); // a token each, and two around them
        PrintStream before = System.err;
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try {
            for (String name : List.of("itm-tiny", "itm-image-token")) {
                log.reset();
                try (Blip2RetrievalPipeline blip2 = Blip2RetrievalPipeline.load(Resources.checkpoint(name))) {
                    float[][] embedded = blip2.embedTexts(List.of(pizzas, "the dog"));
                    assertThat(blip2.embedTexts(List.of("pizza ".repeat(22)))[0])
                            .usingComparatorWithPrecision(1e-5f)
                            .containsExactly(embedded[0]);
                    blip2.match(images.get(0), pizzas);
                    assertThat(log.toString(StandardCharsets.UTF_8))
                            .containsOnlyOnce(
                                    "a text of 600 tokens was cut to the 24 that the model has positions for");
                }
            }
        } finally {
            System.setErr(before);
        }
    }

    private static void assertRefused(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }

    @Test
    void whatCannotBeComparedIsRefused() {
        Image image = images.get(0);
        String empty = "; an empty text would match every picture alike";
        assertRefused(() -> pipeline.match(image, ""), "texts: expected words, got \"\" in text 0" + empty);
        assertRefused(() -> pipeline.match(image, null), "texts: expected words, got null in text 0" + empty);
        assertRefused(
                () -> pipeline.rank(image, List.of("a", " \n"), 1),
                "texts: expected words, got \" \n\" in text 1" + empty);
        assertRefused(() -> pipeline.search(images, " ", 1), "texts: expected words, got \" \" in text 0" + empty);
        assertRefused(
                () -> pipeline.embedTexts(List.of()),
                "texts: expected at least one text, got none; pass what the pictures are to be compared with");
        assertRefused(
                () -> pipeline.match(List.of(), TEXTS),
                "images: expected at least one picture, got none; pass what the texts are to be compared with");
        assertRefused(
                () -> pipeline.encode((List<Image>) null),
                "images: expected at least one picture, got null; pass what the texts are to be compared with");
        assertRefused(
                () -> pipeline.embedTexts(List.of("an <image> of a cat")),
                "text: expected none with <image>, which stands for a part of an image, got \"an <image> of a cat\"; leave it"
                        + " out, image tokens are added where they belong");
        assertRefused(
                () -> pipeline.classify(image, List.of()), "labels: expected at least one, got none; such as cat, dog");
        assertRefused(
                () -> pipeline.classify(image, List.of("cat", "")), "labels: expected words, got \"\"; leave it out");
        assertRefused(
                () -> pipeline.classifier(List.of("cat"), List.of()),
                "templates: expected at least one, got none; such as a photo of a {}");
        assertRefused(
                () -> pipeline.classifier(List.of("cat"), List.of("a photo")),
                "templates: expected {} in the place of the label, got \"a photo\"; such as \"a photo of a {}\"");
        assertRefused(
                () -> pipeline.rank(image, TEXTS, 0),
                "best: expected 1 or more, got 0; it is how many come out, 2147483647 for all");
        assertRefused(
                () -> pipeline.rank(pipeline.encode(images), pipeline.encodeTexts(TEXTS), 1),
                "image: expected one encoded picture, got 5; take one with image(i)");
    }

    @Test
    void manyThreadsGetWhatOneGets() throws Exception {
        List<List<ImageTextMatch>> expected = pipeline.match(images, TEXTS);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        List<Future<List<List<ImageTextMatch>>>> results = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            results.add(threads.submit(() -> pipeline.match(images, TEXTS)));
        }
        for (Future<List<List<ImageTextMatch>>> result : results) {
            assertEqualButForLastBits(result.get(), expected);
        }
        threads.shutdown();
    }

    @Test
    void nothingWorksAfterClose() throws IOException {
        Blip2RetrievalPipeline closed = Blip2RetrievalPipeline.load(Resources.checkpoint("itm-tiny"));
        closed.close();
        closed.close();
        assertThatThrownBy(() -> closed.match(images.get(0), "a cat")).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> closed.encode(images.get(0))).isInstanceOf(IllegalStateException.class);
    }
}
