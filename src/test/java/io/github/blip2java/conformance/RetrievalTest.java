/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static io.github.blip2java.conformance.Rounding.assertEqualButForLastBits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.Blip2ForImageTextRetrieval;
import io.github.blip2java.Blip2ImageTextMatchingModelOutput;
import io.github.blip2java.Blip2Inputs;
import io.github.blip2java.Blip2Model;
import io.github.blip2java.Blip2TextModelWithProjection;
import io.github.blip2java.Blip2VisionModelWithProjection;
import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.RetrievalImages;
import io.github.blip2java.RetrievalTexts;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** What holds of a retrieval model whatever its weights are, and what it refuses. */
class RetrievalTest {
    /** [CLS], some words, [SEP]: of different lengths. */
    private static final List<long[]> TEXTS = List.of(
            new long[] {2, 30, 31, 3},
            new long[] {2, 200, 3},
            new long[] {2, 400, 401, 402, 403, 404, 405, 406, 3},
            new long[] {2, 77, 400, 30, 500, 3},
            new long[] {2, 700, 31, 3});

    /** Rounding alone: sums are taken in another order in a batch. */
    private static final float ROUNDING = 2e-5f;

    private static Blip2ForImageTextRetrieval model;
    private static Blip2ForImageTextRetrieval withImageToken;
    private static INDArray pixels;

    @BeforeAll
    static void load() throws IOException {
        model = Blip2ForImageTextRetrieval.fromPretrained(Resources.checkpoint("itm-tiny"));
        withImageToken = Blip2ForImageTextRetrieval.fromPretrained(Resources.checkpoint("itm-image-token"));
        pixels = pictures(4, 7);
    }

    @AfterAll
    static void close() {
        model.close();
        withImageToken.close();
    }

    private static INDArray pictures(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count * 3 * 28 * 28];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian() + i / (3 * 28 * 28) - 1;
        }
        return Tensors.toINDArray(Tensor.of(values, count, 3, 28, 28));
    }

    private static INDArray picture(int image) {
        return pixels.get(NDArrayIndex.interval(image, image + 1)).dup('c');
    }

    /** Rows of one length, padding in front of or behind the texts. */
    private static long[][] padded(List<long[]> texts, int length, boolean left, boolean mask) {
        return texts.stream()
                .map(text -> {
                    long[] row = new long[length];
                    int from = left ? length - text.length : 0;
                    for (int i = 0; i < text.length; i++) {
                        row[from + i] = mask ? 1 : text[i];
                    }
                    return row;
                })
                .toArray(long[][]::new);
    }

    private static RetrievalTexts encode(List<long[]> texts, int length, boolean left) {
        return model.encodeTexts(padded(texts, length, left, false), padded(texts, length, left, true));
    }

    private static void assertClose(ImageTextMatch actual, ImageTextMatch expected) {
        assertThat(actual.cosine()).isCloseTo(expected.cosine(), within(ROUNDING));
        assertThat(actual.noMatchLogit()).isCloseTo(expected.noMatchLogit(), within(ROUNDING));
        assertThat(actual.matchLogit()).isCloseTo(expected.matchLogit(), within(ROUNDING));
        assertThat(actual.matchProbability()).isCloseTo(expected.matchProbability(), within(ROUNDING));
    }

    @Test
    void aPairAloneIsThePairInABatch() {
        RetrievalImages images = model.encodeImages(pixels);
        List<List<ImageTextMatch>> all = model.match(images, encode(TEXTS, 9, false));
        float[][] similarities = model.similarities(images, encode(TEXTS, 9, false));
        for (int image = 0; image < 4; image++) {
            for (int text = 0; text < TEXTS.size(); text++) {
                RetrievalImages one = model.encodeImages(picture(image));
                RetrievalTexts alone = model.encodeTexts(new long[][] {TEXTS.get(text)}, null);
                assertClose(
                        all.get(image).get(text), model.match(one, alone).get(0).get(0));
                assertThat(similarities[image][text])
                        .isEqualTo(all.get(image).get(text).cosine());
            }
        }
        assertThat(all.get(0).get(0).matchLogit())
                .isNotCloseTo(all.get(1).get(0).matchLogit(), within(1e-3f))
                .isNotCloseTo(all.get(0).get(1).matchLogit(), within(1e-3f));
    }

    @Test
    void paddingChangesNothing() {
        RetrievalImages images = model.encodeImages(pixels);
        List<List<ImageTextMatch>> shortest = model.match(images, encode(TEXTS, 9, false));
        for (RetrievalTexts more : List.of(encode(TEXTS, 24, false), encode(TEXTS, 24, true))) {
            assertThat(more.embeddings()).isEqualTo(encode(TEXTS, 9, false).embeddings());
            assertEqualButForLastBits(model.match(images, more), shortest);
        }
        // In the reference's pass padding is part of the computation, but hidden.
        Blip2ImageTextMatchingModelOutput few = pass(TEXTS.subList(0, 4), 9, true);
        Blip2ImageTextMatchingModelOutput many = pass(TEXTS.subList(0, 4), 20, true);
        assertThat(many.logitsPerImage().distance2(few.logitsPerImage())).isLessThan(1e-5);
        assertThat(pass(TEXTS, 20, false)
                        .logitsPerImage()
                        .distance2(pass(TEXTS, 9, false).logitsPerImage()))
                .isLessThan(1e-5);
    }

    private static Blip2ImageTextMatchingModelOutput pass(List<long[]> texts, int length, boolean head) {
        return model.forward(inputs(pixels, texts, length), head);
    }

    private static Blip2Inputs inputs(INDArray pictures, List<long[]> texts, int length) {
        return Blip2Inputs.builder()
                .pixelValues(pictures)
                .inputIds(padded(texts, length, false, false))
                .attentionMask(padded(texts, length, false, true))
                .outputAttentions(true)
                .build();
    }

    @Test
    void everyWayToANumberGivesIt() throws IOException {
        List<List<ImageTextMatch>> matches = model.match(model.encodeImages(pixels), encode(TEXTS, 9, false));
        Blip2ImageTextMatchingModelOutput contrast = pass(TEXTS, 9, false);
        assertThat(contrast.logitsPerText().transpose()).isEqualTo(contrast.logitsPerImage());
        assertThat(contrast.logitsPerImage().shape()).containsExactly(4, 5);
        Blip2ImageTextMatchingModelOutput matching = pass(TEXTS.subList(0, 4), 9, true);
        assertThat(matching.logitsPerImage().shape()).containsExactly(4, 2);
        assertThat(matching.logitsPerText().shape()).containsExactly(2, 4);
        // The queries and the text look at each other, and the queries alone at the image; what is hidden gets nothing.
        INDArray attention = matching.textModelOutput().attentions().get(0);
        assertThat(attention.shape()).containsExactly(4, 4, 13, 13);
        assertThat(attention.getFloat(1, 0, 0, 7)).isZero();
        assertThat(attention.getFloat(2, 0, 0, 7)).isPositive();
        assertThat(matching.textModelOutput().crossAttentions().get(0).shape()).containsExactly(4, 4, 4, 17);
        for (int image = 0; image < 4; image++) {
            ImageTextMatch match = matches.get(image).get(image);
            assertThat(match.matchLogit()).isCloseTo(matching.logitsPerImage().getFloat(image, 1), within(ROUNDING));
            assertThat(match.noMatchLogit()).isCloseTo(matching.logitsPerImage().getFloat(image, 0), within(ROUNDING));
            assertThat(match.cosine()).isCloseTo(contrast.logitsPerImage().getFloat(image, image), within(ROUNDING));
            double odds = Math.exp(match.matchLogit() - match.noMatchLogit());
            assertThat((double) match.matchProbability()).isCloseTo(odds / (1 + odds), within(1e-6));
            assertThat(match.rankingScore()).isEqualTo(match.matchLogit() + match.cosine());
        }
        // One image with several texts is that image repeated.
        INDArray one = model.forward(inputs(picture(2), TEXTS, 9), true).logitsPerImage();
        for (int text = 0; text < TEXTS.size(); text++) {
            assertThat(one.getFloat(text, 1)).isCloseTo(matches.get(2).get(text).matchLogit(), within(ROUNDING));
        }
        try (Blip2VisionModelWithProjection vision =
                        Blip2VisionModelWithProjection.fromPretrained(Resources.checkpoint("itm-tiny"));
                Blip2TextModelWithProjection text =
                        Blip2TextModelWithProjection.fromPretrained(Resources.checkpoint("itm-tiny"))) {
            assertThat(model.getImageFeatures(pixels))
                    .isEqualTo(vision.forward(pixels).imageEmbeds())
                    .isEqualTo(contrast.imageEmbeds());
            long[][] ids = padded(TEXTS, 9, false, false);
            long[][] mask = padded(TEXTS, 9, false, true);
            INDArray first = text.forward(ids, mask)
                    .textEmbeds()
                    .get(NDArrayIndex.all(), NDArrayIndex.point(0), NDArrayIndex.all());
            assertThat(model.getTextFeatures(ids, mask).distance2(first)).isLessThan(1e-5);
        }
    }

    @Test
    void chosenPairsAreThoseOfTheWholeTable() {
        RetrievalImages images = model.encodeImages(pixels);
        RetrievalTexts texts = encode(TEXTS, 9, false);
        List<List<ImageTextMatch>> all = model.match(images, texts);
        int[] imageOf = {3, 0, 0, 3, 1};
        int[] textOf = {4, 2, 0, 1, 1};
        List<ImageTextMatch> some = model.match(images, texts, imageOf, textOf);
        for (int pair = 0; pair < imageOf.length; pair++) {
            assertClose(some.get(pair), all.get(imageOf[pair]).get(textOf[pair]));
        }
        assertThat(model.match(images, texts, new int[0], new int[0])).isEmpty();
    }

    @Test
    void anEncodedImageIsPickedAndPutBack() {
        RetrievalImages images = model.encodeImages(pixels);
        RetrievalImages joined = RetrievalImages.join(
                IntStream.range(0, 4).mapToObj(images::image).toList());
        RetrievalTexts texts = encode(TEXTS, 9, false);
        assertThat(joined.size()).isEqualTo(4);
        assertEqualButForLastBits(model.match(joined, texts), model.match(images, texts));
        assertThat(images.image(2).embedding(0)).containsExactly(images.embedding(2));
        float[][] queries = images.queryEmbeddings(1);
        assertThat(queries).hasDimensions(4, 16);
        assertThat(Arrays.asList(queries))
                .allSatisfy(query -> assertThat(length(query)).isCloseTo(1, within(1e-6)));
        assertThat(length(images.embedding(1))).isCloseTo(1, within(1e-6));
        assertThat(length(texts.embedding(4))).isCloseTo(1, within(1e-6));
        float cosine = Float.NEGATIVE_INFINITY;
        for (float[] query : queries) {
            cosine = Math.max(cosine, dot(query, texts.embedding(3)));
        }
        assertThat(model.similarities(images, texts)[1][3]).isCloseTo(cosine, within(1e-6f));
    }

    private static double length(float[] vector) {
        return Math.sqrt(dot(vector, vector));
    }

    private static float dot(float[] a, float[] b) {
        float sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    @Test
    void aCheckpointOfTheOtherKindIsRefused() {
        Path retrieval = Resources.checkpoint("itm-tiny");
        String noText =
                "expected a checkpoint with a language model, for captions and answers, got a checkpoint for image–text"
                        + " retrieval, without a language model; read this one with Blip2RetrievalPipeline, Blip2ForImageTextRetrieval,"
                        + " Blip2TextModelWithProjection or Blip2VisionModelWithProjection, or take one such as"
                        + " Salesforce/blip2-opt-2.7b";
        List<ThrowingCallable> generating = List.of(
                () -> Blip2ForConditionalGeneration.fromPretrained(retrieval),
                () -> Blip2Model.fromPretrained(retrieval),
                () -> Blip2Pipeline.load(retrieval));
        assertThat(generating)
                .allSatisfy(load -> assertThatThrownBy(load)
                        .isInstanceOf(UnsupportedModelException.class)
                        .hasMessage(retrieval + ": " + noText));
        Path generation = Resources.checkpoint("t5-gated");
        String noRetrieval =
                "expected a checkpoint for image–text retrieval, without a language model, got a checkpoint with a"
                        + " language model, for captions and answers; read this one with Blip2Pipeline, Blip2ForConditionalGeneration"
                        + " or Blip2Model, or take one such as Salesforce/blip2-itm-vit-g";
        List<ThrowingCallable> matching = List.of(
                () -> Blip2ForImageTextRetrieval.fromPretrained(generation),
                () -> Blip2TextModelWithProjection.fromPretrained(generation),
                () -> Blip2VisionModelWithProjection.fromPretrained(generation),
                () -> Blip2RetrievalPipeline.load(generation));
        assertThat(matching)
                .allSatisfy(load -> assertThatThrownBy(load)
                        .isInstanceOf(UnsupportedModelException.class)
                        .hasMessage(generation + ": " + noRetrieval));
    }

    private static void assertRefused(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        RetrievalImages images = model.encodeImages(picture(0));
        RetrievalTexts texts = encode(TEXTS, 9, false);
        assertRefused(
                () -> model.forward(null, true),
                "inputs: expected Blip2Inputs, got null; Blip2Inputs.builder() makes them");
        assertRefused(
                () -> pass(TEXTS, 9, true),
                "inputIds: expected one row for each of the 4 images, got 5; the matching head takes pairs: for every image with"
                        + " every text call match");
        assertRefused(
                () -> model.forward(
                        Blip2Inputs.builder()
                                .pixelValues(pixels)
                                .inputIds(new long[4][3])
                                .labels(new long[4][3])
                                .build(),
                        false),
                "inputs: expected pixels, ids and a mask, got decoder ids, a decoder mask or labels, which are for a language"
                        + " model; leave them out");
        assertRefused(
                () -> model.encodeTexts(new long[][] {{2, 780, 3}}, null),
                "inputIds: expected ids from 0 to 779, got 780 in row 0, column 1; the tokenizer and the checkpoint do not belong"
                        + " together");
        assertRefused(
                () -> model.encodeTexts(new long[1][25], null),
                "inputIds: expected texts of at most 24 tokens (max_position_embeddings of the Q-Former), got 25; cut them:"
                        + " TextOptions.withTruncation and withMaxLength");
        assertRefused(
                () -> model.encodeTexts(new long[][] {{2, 3}}, new long[][] {{0, 0}}),
                "attentionMask: expected at least one 1 in every row, got none in row 0; a text cannot be all padding");
        assertRefused(
                () -> model.match(images, withImageToken.encodeTexts(new long[][] {{2, 3}}, null)),
                "texts: expected texts that this model encoded, got those of another model; encodeTexts makes them");
        assertRefused(
                () -> model.similarities(null, texts),
                "images: expected images that this model encoded, got null; encodeImages makes them");
        assertRefused(
                () -> model.match(images, texts, new int[] {0}, new int[] {0, 1}),
                "textOf: expected a text for each of the 1 images of pairs, got 2; pair i is image imageOf[i] with text"
                        + " textOf[i]");
        assertRefused(
                () -> model.match(images, texts, new int[] {0, 1}, new int[] {0, 1}),
                "pairs: expected images from 0 to 0 and texts from 0 to 4, got 1 and 1 in pair 1; numbers are places in what was"
                        + " encoded");
        assertRefused(() -> images.image(1), "image: expected 0 to 0, got 1");
        assertRefused(() -> texts.embedding(5), "text: expected 0 to 4, got 5");
        assertRefused(() -> RetrievalImages.join(List.of()), "parts: expected at least one, got none");
        assertRefused(
                () -> RetrievalImages.join(List.of(images, withImageToken.encodeImages(picture(0)))),
                "parts: expected images that one model encoded at one size, got others; keep them apart");
    }

    @Test
    void imageIdsStandInFrontOfTheText() {
        long image = 780;
        long[] right = {image, image, image, image, image, 2, 30, 3};
        INDArray all = withImageToken
                .forward(
                        Blip2Inputs.builder()
                                .pixelValues(picture(0))
                                .inputIds(new long[][] {right})
                                .build(),
                        true)
                .logitsPerImage();
        ImageTextMatch match = withImageToken
                .match(
                        withImageToken.encodeImages(picture(0)),
                        withImageToken.encodeTexts(new long[][] {{2, 30, 3}}, null))
                .get(0)
                .get(0);
        assertThat(match.matchLogit()).isCloseTo(all.getFloat(0, 1), within(ROUNDING));
        String expected = "inputIds: expected 5 image ids (780) in front of the text in every row, got ";
        String fix = "; Blip2Processor puts them there when given images";
        for (long[] ids : List.of(
                new long[] {2, 30, 3},
                new long[] {image, image, image, image, 2, image, 30, 3},
                Arrays.copyOf(right, 5))) {
            int front = ids[0] != image ? 0 : ids.length == 5 ? 5 : 4;
            assertRefused(
                    () -> withImageToken.getMultimodalFeatures(picture(0), new long[][] {ids}, null),
                    expected + front + " and " + (ids.length - front) + " ids behind them in row 0" + fix);
        }
        assertRefused(
                () -> withImageToken.getMultimodalFeatures(
                        picture(0), new long[][] {right}, new long[][] {{1, 1, 0, 1, 1, 1, 1, 1}}),
                "attentionMask: expected 1 at the image ids, got 0 in row 0, column 2; image ids are never padding");
    }

    @Test
    void positionsAreCheckedAndUsed() throws IOException {
        try (Blip2TextModelWithProjection text =
                Blip2TextModelWithProjection.fromPretrained(Resources.checkpoint("itm-tiny"))) {
            long[][] ids = {{2, 30, 3}};
            INDArray counted = text.forward(ids, null, new long[][] {{0, 1, 2}}, false, false)
                    .textEmbeds();
            assertThat(text.forward(ids, null).textEmbeds()).isEqualTo(counted);
            assertThat(text.forward(ids, null, new long[][] {{3, 1, 2}}, false, false)
                            .textEmbeds())
                    .isNotEqualTo(counted);
            assertRefused(
                    () -> text.forward(ids, null, new long[][] {{0, 1, 24}}, false, false),
                    "positionIds: expected positions from 0 to 23, got 24 in row 0; leave them out to count from 0");
            assertRefused(
                    () -> text.forward(ids, null, new long[][] {{0, 1}}, false, false),
                    "positionIds: expected [1, 3], got 2 values in row 0; pad shorter rows and mark the padding with 0 in the"
                            + " attention mask");
        }
    }

    @Test
    void nothingWorksAfterClose() throws IOException {
        Blip2ForImageTextRetrieval closed = Blip2ForImageTextRetrieval.fromPretrained(Resources.checkpoint("itm-tiny"));
        RetrievalImages images = closed.encodeImages(picture(0));
        RetrievalTexts texts = closed.encodeTexts(new long[][] {{2, 30, 3}}, null);
        closed.close();
        List<ThrowingCallable> calls = List.of(
                () -> closed.encodeImages(picture(0)),
                () -> closed.encodeTexts(new long[][] {{2, 30, 3}}, null),
                () -> closed.match(images, texts),
                () -> closed.similarities(images, texts),
                () -> closed.forward(null, false),
                closed::visionModel,
                closed::qformer);
        assertThat(calls)
                .allSatisfy(call -> assertThatThrownBy(call)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("model: expected an open model, got one that was closed; load it again"));
    }
}
