/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static io.github.blip2java.conformance.FacadeTest.pixels;
import static io.github.blip2java.conformance.FacadeTest.refuses;
import static io.github.blip2java.conformance.FacadeTest.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.Blip2Config;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.Blip2Inputs;
import io.github.blip2java.Blip2Model;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.vision.Blip2VisionConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Wrong arguments are refused before a picture is encoded. Every fault stands beside a picture or a model that no encoder
 * survives, so that a call that reaches it ends with another message.
 */
class WrongArgumentsTest {
    private static final GenerationConfig TEN =
            GenerationConfig.builder().maxNewTokens(10).build();

    @TempDir
    Path directory;

    /** What no vision encoder survives: attentions that no array holds. Whoever gets another message was stopped before. */
    private static Blip2Inputs.Builder unencodable(Blip2ForConditionalGeneration model) {
        Blip2VisionConfig vision = model.config().visionConfig();
        double positions = Math.sqrt((double) Integer.MAX_VALUE / vision.numAttentionHeads());
        int side = vision.patchSize() * (int) Math.ceil(Math.sqrt(positions));
        return Blip2Inputs.builder()
                .pixelValues(Nd4j.zeros(DataType.FLOAT, 1, 3, side, side))
                .inputIds(new long[][] {row(model.config(), 2, 7)})
                .interpolatePosEncoding(true)
                .outputAttentions(true);
    }

    private static void refusesBeforeEncoding(
            Blip2ForConditionalGeneration model, Consumer<Blip2Inputs.Builder> fault, String message) {
        Blip2Inputs.Builder inputs = unencodable(model);
        fault.accept(inputs);
        refuses(() -> model.forward(inputs.build()), message);
    }

    @Test
    void forwardChecksEverythingBeforeThePictureIsEncoded() throws IOException {
        try (Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("opt-tiny"))) {
            Blip2Config config = model.config();
            int queries = config.numQueryTokens();
            int seq = queries + 2;
            int vocab = config.textConfig().vocabSize();
            int positions = config.textConfig().maxPositions().orElseThrow();
            refusesBeforeEncoding(model, inputs -> {}, "tensor: shape [1, ");
            refusesBeforeEncoding(
                    model, inputs -> inputs.inputIds(null), "inputIds: expected [1, seq], got null; Blip2Processor");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.inputIds(new long[][] {row(config, 2), row(config, 2)}),
                    "inputIds: expected [1, seq], got 2 rows; one row belongs to each image or text");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.inputIds(new long[][] {row(config, 2, -1)}),
                    "inputIds: expected ids from 0 to " + (vocab - 1) + ", got -1 in row 0, column " + (queries + 1));
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.inputIds(new long[][] {{2, 7}}),
                    "inputIds: expected " + queries + " image ids (");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.inputIds(new long[][] {row(config, new long[positions])}),
                    "sequence: expected at most " + positions + " positions (max_position_embeddings), got a prompt of "
                            + (positions + queries));
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.attentionMask(new long[1][seq + 1]),
                    "attentionMask: expected [1, " + seq + "], got " + (seq + 1) + " values in row 0");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.attentionMask(
                            new long[][] {LongStream.range(1, seq + 1).toArray()}),
                    "attentionMask: expected 1 (keep) or 0 (padding), got 2 in row 0, column 1; Blip2Processor makes it");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.attentionMask(new long[1][seq]),
                    "attentionMask: expected 1 at the image ids, got 0 in row 0, column 0");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.labels(new long[2][seq]),
                    "labels: expected [1, seq], got 2 rows; one row belongs to each image or text");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.labels(new long[1][seq + 1]),
                    "labels: expected at most " + seq + " columns, one for each position, got " + (seq + 1)
                            + "; labels belong to the same positions as inputIds (or decoderInputIds)");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.labels(new long[][] {{-100, vocab}}),
                    "labels: expected ids from 0 to " + (vocab - 1) + " or -100, got " + vocab
                            + " in row 0, column 1; set -100 where no loss is wanted");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.decoderInputIds(new long[1][2]),
                    "decoderInputIds: expected none for a decoder-only language model, got 1 rows; put the text into"
                            + " inputIds");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.decoderAttentionMask(new long[1][2]),
                    "decoderAttentionMask: expected none for a decoder-only language model, got 1 rows; put it into"
                            + " attentionMask");
            refuses(
                    () -> model.forward(null),
                    "inputs: expected Blip2Inputs, got null; Blip2Inputs.builder() makes them");
        }
    }

    @Test
    void forwardOfAnEncoderDecoderChecksTheDecodersSideToo() throws IOException {
        try (Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("t5-gated"))) {
            int vocab = model.config().textConfig().vocabSize();
            long[][] right = {{0, 5}};
            refusesBeforeEncoding(model, inputs -> inputs.decoderInputIds(right), "tensor: shape [1, ");
            refusesBeforeEncoding(model, inputs -> inputs.labels(right), "tensor: shape [1, ");
            refusesBeforeEncoding(
                    model,
                    inputs -> {},
                    "decoderInputIds: expected [batch, target] for an encoder–decoder language model, got null");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.decoderInputIds(new long[2][2]),
                    "decoderInputIds: expected [1, seq], got 2 rows");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.decoderInputIds(new long[][] {{0, vocab}}),
                    "decoderInputIds: expected ids from 0 to " + (vocab - 1) + ", got " + vocab
                            + " in row 0, column 1");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.decoderInputIds(right).labels(new long[1][3]),
                    "labels: expected at most 2 columns, one for each position, got 3");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.labels(new long[][] {{vocab}}),
                    "labels: expected ids from 0 to " + (vocab - 1) + " or -100, got " + vocab);
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.labels(right).decoderAttentionMask(new long[1][3]),
                    "decoderAttentionMask: expected [1, 2], got 3 values in row 0");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.labels(right).decoderAttentionMask(new long[][] {{1, 3}}),
                    "decoderAttentionMask: expected 1 (keep) or 0 (padding), got 3 in row 0, column 1");
            refusesBeforeEncoding(
                    model,
                    inputs -> inputs.labels(right).decoderAttentionMask(new long[1][2]),
                    "decoderAttentionMask: expected at least one 1 in every row, got none in row 0; a text cannot be all"
                            + " padding");
        }
    }

    @Test
    void generateChecksEverythingBeforeThePictureIsEncoded() throws IOException {
        for (String name : List.of("opt-tiny", "t5-gated", "opt-legacy")) {
            try (Blip2ForConditionalGeneration model = Blip2ForConditionalGeneration.fromPretrained(
                    Resources.withoutVision(name, directory.resolve(name)))) {
                Blip2Config config = model.config();
                INDArray picture = pixels(model, 1, 1);
                boolean legacy = config.imageTokenIndex().isEmpty();
                long[] prompt = legacy ? new long[] {2, 7} : row(config, 2, 7);
                int vocab = config.textConfig().vocabSize();
                assertThatThrownBy(() -> model.generate(picture, new long[][] {prompt}, null, TEN))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("image features: expected finite numbers, got NaN; the weights overflow or are"
                                + " damaged: run `blip2 verify`, or download the checkpoint again");
                refuses(
                        () -> model.generate(picture, new long[][] {{vocab}}, null, TEN),
                        "inputIds: expected ids from 0 to " + (vocab - 1) + ", got " + vocab + " in row 0, column 0");
                refuses(
                        () -> model.generate(pixels(model, 2, 1), new long[3][7], null, TEN),
                        "inputIds: expected one row for each of the 2 images, got 3");
                refuses(
                        () -> model.generate(picture, new long[][] {prompt}, new long[1][prompt.length + 1], TEN),
                        "attentionMask: expected [1, " + prompt.length + "], got " + (prompt.length + 1) + " values");
                refuses(() -> model.generate(picture, null, new long[][] {{2, 1}}, TEN), "attentionMask: expected ");
                refuses(
                        () -> model.generate(
                                picture,
                                null,
                                null,
                                TEN.toBuilder().padTokenId(vocab).build()),
                        "padTokenId: expected ids from 0 to " + (vocab - 1) + ", got " + vocab);
                refuses(
                        () -> model.generate(
                                picture,
                                null,
                                null,
                                GenerationConfig.builder().maxLength(1).build()),
                        "maxLength: expected more than the ");
                refuses(
                        () -> model.generate(picture, null, null, null),
                        "options: expected a GenerationConfig, got null");
                refuses(
                        () -> model.generate(
                                picture,
                                null,
                                null,
                                GenerationConfig.builder().minNewTokens(21).build()),
                        "minNewTokens: expected at most the 20 new tokens that are allowed, got 21");
                if (config.textConfig().maxPositions().isPresent()) {
                    int positions = config.textConfig().maxPositions().getAsInt();
                }
                if (legacy) {
                    refuses(
                            () -> model.generate(picture, new long[][] {prompt}, new long[1][2], TEN),
                            "attentionMask: expected at least one 1 in every row, got none in row 0");
                } else {
                    refuses(
                            () -> model.generate(picture, new long[][] {{2, 7}}, null, TEN),
                            "inputIds: expected " + config.numQueryTokens() + " image ids (");
                }
                model.checkPrompts(1, new long[][] {prompt}, null, TEN);
                model.checkPrompts(3, null, null, TEN);
                refuses(
                        () -> model.checkPrompts(2, new long[3][7], null, TEN),
                        "inputIds: expected one row for each of the 2 images, got 3");
            }
        }
    }

    @Test
    void picturesThatAreNoNumbersAreRefused() throws IOException {
        try (Blip2ForConditionalGeneration model =
                        Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("opt-tiny"));
                Blip2Model features = Blip2Model.fromPretrained(Resources.checkpoint("opt-tiny"))) {
            for (float wrong : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
                INDArray picture = pixels(model, 2, 1);
                picture.putScalar(new int[] {1, 2, 3, 4}, wrong);
                String message = "pixelValues: expected finite numbers, got " + wrong
                        + " at [1, 2, 3, 4]; Blip2ImageProcessor makes numbers of about -2 to 3";
                refuses(() -> model.generate(picture, null, null, TEN), message);
                refuses(() -> model.encodeImages(picture), message);
                refuses(() -> model.getImageFeatures(picture), message);
                refuses(() -> model.getQFormerFeatures(picture), message);
                refuses(() -> model.visionModel().forward(picture, false, false, false), message);
                refuses(() -> features.getImageFeatures(picture), message);
                refuses(
                        () -> model.forward(
                                Blip2Inputs.builder().pixelValues(picture).build()),
                        message);
            }
            INDArray huge = Nd4j.zeros(DataType.DOUBLE, 1, 3, 28, 28).addi(1e300);
            refuses(
                    () -> model.encodeImages(huge),
                    "pixelValues: expected finite numbers, got Infinity at [0, 0, 0, 0]");
        }
    }

    @Test
    void textFeaturesCheckTheirText() throws IOException {
        try (Blip2Model model = Blip2Model.fromPretrained(Resources.checkpoint("opt-tiny"))) {
            refuses(() -> model.getTextFeatures(null, null), "inputIds: expected [batch, seq], got null");
            refuses(() -> model.getTextFeatures(new long[][] {{5000}}, null), "inputIds: expected ids from 0 to 335");
            refuses(
                    () -> model.getTextFeatures(new long[][] {{5, 6}}, new long[][] {{0, 0}}),
                    "attentionMask: expected at least one 1 in every row, got none in row 0");
            refuses(
                    () -> model.getTextFeatures(new long[1][97], null),
                    "sequence: expected at most 96 positions (max_position_embeddings), got a prompt of 97");
        }
    }

    @Test
    void anEncodingBelongsToItsModel() throws IOException {
        try (Blip2ForConditionalGeneration model =
                        Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("opt-tiny"));
                Blip2ForConditionalGeneration other =
                        Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("opt-untied"))) {
            ImageEncoding foreign = other.encodeImages(pixels(other, 1, 1));
            refuses(
                    () -> model.generate(foreign, null, null, TEN),
                    "images: expected pictures that this model encoded, got those of another model; encodeImages makes"
                            + " them");
            refuses(
                    () -> model.generate((ImageEncoding) null, null, null, TEN),
                    "images: expected pictures that this model encoded, got null; encodeImages makes them");
            refuses(() -> foreign.image(1), "image: expected 0 to 0, got 1");
            assertThat(other.generate(foreign.image(0), null, null, TEN))
                    .isEqualTo(other.generate(foreign, null, null, TEN));
        }
    }
}
