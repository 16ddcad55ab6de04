/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.Blip2Config;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.Blip2Inputs;
import io.github.blip2java.Blip2Model;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.LoadOptions;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.checkpoint.SafetensorsFile;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationResult;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.qformer.Blip2QFormerInputs;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What a caller of the facades meets: threads, reuse of encodings, limits, and wrong input. */
class FacadeTest {
    private static final GenerationConfig TEN =
            GenerationConfig.builder().maxNewTokens(10).build();

    @TempDir
    Path directory;

    static INDArray pixels(Blip2ForConditionalGeneration model, int batch, int seed) {
        int side = model.config().visionConfig().imageSize();
        return Nd4j.getRandomFactory()
                .getNewRandomInstance(seed)
                .nextGaussian(new long[] {batch, 3, side, side})
                .castTo(DataType.FLOAT);
    }

    static long[] row(Blip2Config config, long... text) {
        long[] row = new long[config.numQueryTokens() + text.length];
        Arrays.fill(row, 0, config.numQueryTokens(), config.imageTokenIndex().orElseThrow());
        System.arraycopy(text, 0, row, config.numQueryTokens(), text.length);
        return row;
    }

    @Test
    void manyThreadsGiveTheIdsOfOne() throws Exception {
        for (String name : List.of("opt-tiny", "t5-gated")) {
            try (Blip2ForConditionalGeneration model =
                    Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint(name))) {
                List<INDArray> pictures = IntStream.range(0, 8)
                        .mapToObj(seed -> pixels(model, 1, seed))
                        .toList();
                List<long[][]> alone = pictures.stream()
                        .map(picture -> model.generate(picture, null, null, TEN).sequences())
                        .toList();
                ExecutorService threads = Executors.newFixedThreadPool(4);
                try {
                    List<Future<long[][]>> together = IntStream.range(0, 40)
                            .mapToObj(i -> threads.submit(() -> model.generate(pictures.get(i % 8), null, null, TEN)
                                    .sequences()))
                            .toList();
                    for (int i = 0; i < together.size(); i++) {
                        assertThat(together.get(i).get()).isDeepEqualTo(alone.get(i % 8));
                    }
                } finally {
                    threads.shutdown();
                }
            }
        }
    }

    @Test
    void aBatchGivesTheIdsOfItsRowsAndPaddingSideDoesNotMatter() throws IOException {
        try (Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("opt-tiny"))) {
            Blip2Config config = model.config();
            INDArray pictures = pixels(model, 2, 5);
            long[] longer = row(config, 2, 30, 31, 32);
            long[] shorter = row(config, 2, 40);
            GenerationResult first = model.generate(slice(pictures, 0), new long[][] {longer}, null, TEN);
            GenerationResult second = model.generate(slice(pictures, 1), new long[][] {shorter}, null, TEN);

            int images = config.numQueryTokens();
            long[] left = row(config, 1, 1, 2, 40);
            long[] leftMask = new long[left.length];
            Arrays.fill(leftMask, 1);
            leftMask[images] = 0;
            leftMask[images + 1] = 0;
            long[] right = row(config, 2, 40, 1, 1);
            long[] rightMask = new long[right.length];
            Arrays.fill(rightMask, 0, right.length - 2, 1);
            long[] ones = new long[longer.length];
            Arrays.fill(ones, 1);
            for (long[][] padded : new long[][][] {{left, leftMask}, {right, rightMask}}) {
                GenerationResult both =
                        model.generate(pictures, new long[][] {longer, padded[0]}, new long[][] {ones, padded[1]}, TEN);
                assertThat(both.newTokens()[0]).isEqualTo(first.newTokens()[0]);
                assertThat(both.newTokens()[1]).isEqualTo(second.newTokens()[0]);
            }
        }
    }

    private static INDArray slice(INDArray pictures, int row) {
        return pictures.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(row, row + 1));
    }

    @Test
    void anEncodingServesManyPrompts() throws IOException {
        try (Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("opt-tiny"))) {
            INDArray picture = pixels(model, 1, 9);
            long[][] prompts = {row(model.config(), 2, 30, 31), row(model.config(), 2, 50, 51)};
            ImageEncoding encoding = model.encodeImages(picture);
            GenerationResult together = model.generate(encoding, prompts, null, TEN);
            for (int i = 0; i < prompts.length; i++) {
                GenerationResult alone = model.generate(picture, new long[][] {prompts[i]}, null, TEN);
                assertThat(together.newTokens()[i]).isEqualTo(alone.newTokens()[0]);
            }
            ImageEncoding two = model.encodeImages(pixels(model, 2, 9));
            assertThat(two.image(1).features())
                    .isEqualTo(slice(two.features(), 1).dup());
            assertThatThrownBy(() -> model.generate(two, new long[3][7], null, TEN))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("expected one row for each of the 2 images, got 3");
        }
    }

    @Test
    void lengthsAndFinishReasons() throws IOException {
        try (Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("opt-tiny"))) {
            INDArray picture = pixels(model, 1, 2);
            long[] tokens = model.generate(picture, null, null, TEN).newTokens()[0];
            assertThat(tokens).hasSize(10);
            int third = (int) tokens[2];
            int firstAt = IntStream.range(0, 10)
                    .filter(i -> tokens[i] == third)
                    .findFirst()
                    .orElseThrow();
            GenerationResult ended = model.generate(
                    picture, null, null, TEN.toBuilder().eosTokenIds(third).build());
            assertThat(ended.newTokens()[0]).isEqualTo(Arrays.copyOf(tokens, firstAt + 1));
            assertThat(ended.finishReasons()).containsExactly(FinishReason.EOS);
            GenerationResult forced = model.generate(
                    picture,
                    null,
                    null,
                    TEN.toBuilder().eosTokenIds(third).minNewTokens(10).build());
            assertThat(forced.newTokens()[0]).hasSize(10).doesNotContain(third);
            assertThat(forced.finishReasons()).containsExactly(FinishReason.LENGTH);

            int prompt = model.config().numQueryTokens() + 1;
            GenerationConfig total =
                    GenerationConfig.builder().maxLength(prompt + 4).build();
            assertThat(model.generate(picture, null, null, total).newTokens()[0])
                    .isEqualTo(Arrays.copyOf(tokens, 4));
            assertThatThrownBy(() -> model.generate(
                            picture,
                            null,
                            null,
                            GenerationConfig.builder().maxLength(prompt).build()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("maxLength: expected more than the " + prompt + " positions of the prompt (image tokens"
                            + " included), got " + prompt + "; set maxNewTokens, which counts new tokens only");
            int positions = model.config().textConfig().maxPositions().orElseThrow();
            // More than the model has positions for ends there.
            GenerationResult all = model.generate(
                    picture,
                    null,
                    null,
                    TEN.toBuilder().eosTokenIds().maxNewTokens(positions).build());
            assertThat(all.newTokens()[0]).hasSize(positions - prompt).startsWith(tokens);
            assertThat(all.finishReasons()).containsExactly(FinishReason.LENGTH);
        }
    }

    @Test
    void wrongInputsAreExplained() throws IOException {
        try (Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("opt-tiny"))) {
            Blip2Config config = model.config();
            int side = config.visionConfig().imageSize();
            INDArray picture = pixels(model, 1, 1);
            refuses(
                    () -> model.encodeImages(Nd4j.zeros(DataType.FLOAT, 1, 3, side + 7, side + 7)),
                    "pixelValues: expected [batch, 3, " + side + ", " + side + "], got [1, 3, " + (side + 7) + ", "
                            + (side + 7) + "]; Blip2ImageProcessor makes this shape, or pass interpolatePosEncoding");
            refuses(
                    () -> model.encodeImages(Nd4j.zeros(DataType.FLOAT, 1, 1, side, side)),
                    "pixelValues: expected [batch, 3, " + side + ", " + side + "], got [1, 1, " + side + ", " + side
                            + "]; Blip2ImageProcessor makes this shape");
            refuses(() -> model.encodeImages(null), "pixelValues: expected an INDArray, got null");
            refuses(
                    () -> model.encodeImages(Nd4j.zeros(DataType.INT32, 1, 3, side, side)),
                    "pixelValues: expected FLOAT, got INT; cast with castTo(DataType.FLOAT)");
            int queries = config.numQueryTokens();
            int image = config.imageTokenIndex().orElseThrow();
            long[] tooFew = row(config, 2);
            tooFew[0] = 5;
            refuses(
                    () -> model.generate(picture, new long[][] {tooFew}, null, TEN),
                    "inputIds: expected " + queries + " image ids (" + image + ") in every row, got " + (queries - 1)
                            + " in row 0; Blip2Processor puts them in front of the text, and the text itself may not"
                            + " contain <image>");
            refuses(
                    () -> model.generate(picture, new long[][] {row(config, 2, image)}, null, TEN),
                    "inputIds: expected " + queries + " image ids (" + image + ") in every row, got " + (queries + 1));
            int vocab = config.textConfig().vocabSize();
            refuses(
                    () -> model.generate(picture, new long[][] {row(config, vocab)}, null, TEN),
                    "inputIds: expected ids from 0 to " + (vocab - 1) + ", got " + vocab + " in row 0, column "
                            + queries + "; the tokenizer and the checkpoint do not belong together");
            refuses(
                    () -> model.generate(picture, new long[][] {row(config, 2)}, new long[1][3], TEN),
                    "attentionMask: expected [1, " + (queries + 1) + "], got 3 values in row 0");
            refuses(
                    () -> model.generate(picture, new long[][] {row(config, 2)}, new long[1][queries + 1], TEN),
                    "attentionMask: expected 1 at the image ids, got 0 in row 0, column 0");
            refuses(
                    () -> model.forward(
                            Blip2Inputs.builder().pixelValues(picture).build()),
                    "inputIds: expected [1, seq], got null; Blip2Processor makes it");
            refuses(
                    () -> model.generate(
                            picture,
                            null,
                            null,
                            TEN.toBuilder().eosTokenIds(vocab).build()),
                    "eosTokenIds: expected ids from 0 to " + (vocab - 1) + ", got " + vocab);
        }
    }

    static void refuses(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith(message);
    }

    @Test
    void limitsBeyondAllMemoryEndWithTheTextOrTheModel() throws IOException {
        GenerationConfig endless = GenerationConfig.builder()
                .maxNewTokens(GenerationConfig.NO_LIMIT)
                .eosTokenIds()
                .build();
        try (Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("opt-tiny"))) {
            GenerationResult result = model.generate(pixels(model, 1, 2), null, null, endless);
            int positions = model.config().textConfig().maxPositions().orElseThrow();
            assertThat(result.sequences()[0]).hasSize(positions);
            assertThat(result.finishReasons()).containsExactly(FinishReason.LENGTH);
        }
        try (Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("t5-gated"))) {
            INDArray picture = pixels(model, 1, 2);
            long[] tokens = model.generate(
                            picture, null, null, TEN.toBuilder().eosTokenIds().build())
                    .newTokens()[0];
            int last = (int) tokens[9];
            int firstAt = IntStream.range(0, 10)
                    .filter(i -> tokens[i] == last)
                    .findFirst()
                    .orElseThrow();
            for (int most : new int[] {2_000_000_000, Integer.MAX_VALUE}) {
                GenerationResult result = model.generate(
                        picture,
                        null,
                        null,
                        endless.toBuilder().maxNewTokens(most).eosTokenIds(last).build());
                assertThat(result.newTokens()[0]).isEqualTo(Arrays.copyOf(tokens, firstAt + 1));
                assertThat(result.finishReasons()).containsExactly(FinishReason.EOS);
            }
        }
    }

    @Test
    void encoderDecoderNeedsDecoderIdsOrLabels() throws IOException {
        try (Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("t5-gated"))) {
            long[][] ids = {row(model.config(), 5, 1)};
            refuses(
                    () -> model.forward(Blip2Inputs.builder()
                            .pixelValues(pixels(model, 1, 1))
                            .inputIds(ids)
                            .build()),
                    "decoderInputIds: expected [batch, target] for an encoder–decoder language model, got null");
        }
    }

    @Test
    void hiddenStatesAndAttentionsComeWhenAsked() throws IOException {
        for (String name : List.of("opt-tiny", "t5-gated")) {
            try (Blip2ForConditionalGeneration model =
                    Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint(name))) {
                Blip2Inputs.Builder inputs = Blip2Inputs.builder()
                        .pixelValues(pixels(model, 2, 4))
                        .inputIds(new long[][] {row(model.config(), 2, 7), row(model.config(), 2, 8)})
                        .decoderInputIds(name.startsWith("t5") ? new long[2][3] : null);
                var silent = model.forward(inputs.build());
                assertThat(silent.visionOutputs().hiddenStates()).isNull();
                assertThat(silent.qformerOutputs().crossAttentions()).isNull();
                assertThat(silent.languageModelOutputs().attentions()).isNull();
                var told = model.forward(
                        inputs.outputHiddenStates(true).outputAttentions(true).build());
                assertThat(told.logits()).isEqualTo(silent.logits());
                assertThat(told.visionOutputs().hiddenStates())
                        .hasSize(model.config().visionConfig().numHiddenLayers() + 1);
                for (List<INDArray> attentions : List.of(
                        told.visionOutputs().attentions(),
                        told.qformerOutputs().attentions(),
                        told.qformerOutputs().crossAttentions(),
                        told.languageModelOutputs().attentions())) {
                    assertThat(attentions)
                            .isNotEmpty()
                            .allSatisfy(probabilities -> assertThat(probabilities
                                            .sum(3)
                                            .sub(1)
                                            .amaxNumber()
                                            .doubleValue())
                                    .isLessThan(1e-5));
                }
            }
        }
    }

    @Test
    void closedModelIsRefusedAndDoesNotCrash() throws IOException {
        Blip2ForConditionalGeneration model =
                Blip2ForConditionalGeneration.fromPretrained(Resources.checkpoint("opt-tiny"));
        INDArray picture = pixels(model, 1, 1);
        ImageEncoding encoding = model.encodeImages(picture);
        model.close();
        model.close();
        assertThatThrownBy(() -> model.encodeImages(picture))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("model: expected an open model, got one that was closed; load it again");
        assertThatThrownBy(() -> model.generate(encoding, null, null, TEN)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> model.getTextFeatures(new long[][] {{1}}, null))
                .isInstanceOf(IllegalStateException.class);
        Blip2Model features = Blip2Model.fromPretrained(Resources.checkpoint("opt-tiny"));
        features.close();
        Blip2Inputs inputs = Blip2Inputs.builder().pixelValues(picture).build();
        List<ThrowingCallable> calls = List.of(
                model::visionModel,
                model::qformer,
                model::languageModel,
                features::visionModel,
                features::qformer,
                features::languageModel,
                () -> model.generate(picture, null, null, TEN),
                () -> model.checkPrompts(1, null, null, TEN),
                () -> model.forward(inputs),
                () -> features.forward(inputs),
                () -> model.getImageFeatures(picture),
                () -> features.getImageFeatures(picture),
                () -> model.getQFormerFeatures(picture),
                () -> features.getQFormerFeatures(picture));
        for (ThrowingCallable call : calls) {
            assertThatThrownBy(call)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("model: expected an open model, got one that was closed; load it again");
        }
        assertThat(model.config()).isEqualTo(features.config());
        assertThat(model.generationConfig().eosTokenIds()).containsExactly(202);
    }

    @Test
    void blip2ModelGivesTheSameFeatures() throws IOException {
        Path checkpoint = Resources.checkpoint("opt-tiny");
        try (Blip2Model model = Blip2Model.fromPretrained(checkpoint);
                Blip2ForConditionalGeneration facade = Blip2ForConditionalGeneration.fromPretrained(checkpoint)) {
            INDArray picture = pixels(facade, 1, 3);
            assertThat(model.getImageFeatures(picture).lastHiddenState())
                    .isEqualTo(facade.getImageFeatures(picture).lastHiddenState());
            assertThat(model.getQFormerFeatures(picture)).isEqualTo(facade.getQFormerFeatures(picture));
            long[][] ids = {{2, 30, 31}};
            assertThat(model.getTextFeatures(ids, null)).isEqualTo(facade.getTextFeatures(ids, null));
            Blip2Inputs inputs = Blip2Inputs.builder()
                    .pixelValues(picture)
                    .inputIds(new long[][] {row(facade.config(), 2, 30)})
                    .build();
            assertThat(model.forward(inputs).logits())
                    .isEqualTo(facade.forward(inputs).logits());
        }
    }

    /** Each way to a stage's output leads to the same floats. */
    @Test
    void blip2ModelRunsAllStagesOrOneOfThem() throws IOException {
        for (String name : List.of("opt-tiny", "t5-gated")) {
            Path checkpoint = Resources.checkpoint(name);
            try (Blip2Model model = Blip2Model.fromPretrained(checkpoint);
                    Blip2ForConditionalGeneration facade = Blip2ForConditionalGeneration.fromPretrained(checkpoint)) {
                INDArray pictures = pixels(facade, 2, 4);
                Blip2Inputs inputs = Blip2Inputs.builder()
                        .pixelValues(pictures)
                        .inputIds(new long[][] {row(model.config(), 2, 7), row(model.config(), 2, 8)})
                        .decoderInputIds(name.startsWith("t5") ? new long[2][3] : null)
                        .outputHiddenStates(true)
                        .build();
                var all = model.forward(inputs);
                assertThat(all.logits()).isEqualTo(facade.forward(inputs).logits());

                var vision = model.visionModel().forward(pictures, false, true, false);
                assertThat(vision.lastHiddenState())
                        .isEqualTo(all.visionOutputs().lastHiddenState());
                assertThat(vision.poolerOutput()).isEqualTo(all.visionOutputs().poolerOutput());
                assertThat(vision.hiddenStates()).isEqualTo(all.visionOutputs().hiddenStates());
                assertThat(vision.attentions()).isNull();
                var features = facade.getImageFeatures(pictures);
                assertThat(features.lastHiddenState()).isEqualTo(vision.lastHiddenState());
                assertThat(features.poolerOutput())
                        .isEqualTo(facade.encodeImages(pictures).features());
                assertThat(features.qformerOutputs().lastHiddenState())
                        .isEqualTo(all.qformerOutputs().lastHiddenState());

                Tensor queries = queryTokens(checkpoint, model.config(), 2);
                Tensor encoded = Tensors.fromINDArray(vision.lastHiddenState(), "encoded");
                Tensor queried = model.qformer().forward(Blip2QFormerInputs.queries(queries, encoded), Trace.none());
                assertThat(Tensors.toINDArray(queried))
                        .isEqualTo(all.qformerOutputs().lastHiddenState())
                        .isEqualTo(model.getQFormerFeatures(pictures));
            }
        }
    }

    /** The learned queries, once for each picture. */
    private static Tensor queryTokens(Path folder, Blip2Config config, int batch) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            float[] once = checkpoint.tensor("query_tokens").toFloats();
            float[] each = new float[batch * once.length];
            for (int b = 0; b < batch; b++) {
                System.arraycopy(once, 0, each, b * once.length, once.length);
            }
            return Tensor.of(
                    each, batch, config.numQueryTokens(), config.qformerConfig().hiddenSize());
        }
    }

    /** Against what transformers wrote down for pictures of 45 by 61 and a position table for 28 by 28. */
    @Test
    void picturesOfAnotherSizeAreEncodedWhenAsked() throws IOException {
        Path folder = Resources.reference().resolve("opt-interpolate");
        try (Blip2Model model = Blip2Model.fromPretrained(folder.resolve("checkpoint"));
                SafetensorsFile file = SafetensorsFile.open(folder.resolve("reference.safetensors"))) {
            INDArray pictures = array(file, "input.pixel_values");
            refuses(
                    () -> model.getImageFeatures(pictures),
                    "pixelValues: expected [batch, 3, 28, 28], got [2, 3, 45, 61]");
            refuses(
                    () -> model.getQFormerFeatures(pictures, false),
                    "pixelValues: expected [batch, 3, 28, 28], got [2, 3, 45, 61]");
            var features = model.getImageFeatures(pictures, true);
            close(features.lastHiddenState(), array(file, "expected.vision.last_hidden_state"));
            close(features.poolerOutput(), array(file, "expected.vision.pooler_output"));
            close(model.getQFormerFeatures(pictures, true), array(file, "expected.qformer_features"));
        }
    }

    private static INDArray array(SafetensorsFile file, String name) {
        FloatBuffer floats = file.map(name).asFloatBuffer();
        float[] values = new float[floats.remaining()];
        floats.get(values);
        return Nd4j.create(values, file.tensors().get(name).shape(), 'c');
    }

    private static void close(INDArray actual, INDArray expected) {
        assertThat(actual.shape()).containsExactly(expected.shape());
        assertThat(actual.sub(expected).norm2Number().doubleValue())
                .isLessThan(1e-5 * expected.norm2Number().doubleValue());
    }

    @Test
    void loadingTellsHowFarItIs() throws IOException {
        List<String> heard = new ArrayList<>();
        LoadOptions options = LoadOptions.defaults()
                .withDtype(WeightFormat.BF16)
                .withProgress((task, done, total) -> heard.add(task + " " + done + "/" + total));
        assertThat(options.dtype()).isEqualTo(WeightFormat.BF16);
        assertThat(options.memoryCheck()).isTrue();
        try (Blip2Model model = Blip2Model.fromPretrained(Resources.checkpoint("opt-tiny"), options)) {
            assertThat(model.languageModel()).isNotNull();
        }
        assertThat(heard)
                .containsSubsequence(
                        "loading vision_model 0/4",
                        "loading qformer 1/4",
                        "loading language_projection 2/4",
                        "loading language_model 3/4",
                        "loaded 4/4");
    }

    private void withConfig(String name, Consumer<ObjectNode> change) throws IOException {
        Path copy = directory.resolve(name);
        Resources.copy(Resources.checkpoint("opt-tiny"), copy);
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode config =
                (ObjectNode) mapper.readTree(copy.resolve("config.json").toFile());
        change.accept(config);
        Files.write(copy.resolve("config.json"), mapper.writeValueAsBytes(config));
    }

    @Test
    void aConfigThatDisagreesWithTheWeightsIsNamed() throws IOException {
        withConfig("wide", config -> ((ObjectNode) config.get("qformer_config")).put("intermediate_size", 7));
        assertThatThrownBy(() -> Blip2ForConditionalGeneration.fromPretrained(directory.resolve("wide")))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessageContaining(
                        "tensor \"qformer.encoder.layer.0.intermediate_query.dense.weight\": expected shape [7,")
                .hasMessageEndingWith("take both files from one checkpoint");
        withConfig("deep", config -> ((ObjectNode) config.get("text_config")).put("num_hidden_layers", 50));
        assertThatThrownBy(() -> Blip2ForConditionalGeneration.fromPretrained(directory.resolve("deep")))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessageContaining("expected a tensor \"language_model.model.decoder.layers.")
                .hasMessageContaining("found none; nearest: ");
        withConfig("llama", config -> ((ObjectNode) config.get("text_config")).put("model_type", "llama"));
        assertThatThrownBy(() -> Blip2ForConditionalGeneration.fromPretrained(directory.resolve("llama")))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage("config.json: text_config.model_type \"llama\" is not supported; supported: opt, t5");
    }
}
