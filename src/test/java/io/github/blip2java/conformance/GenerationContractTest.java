/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.Blip2Inputs;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.generation.Cancellation;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationHooks;
import io.github.blip2java.generation.GenerationOption;
import io.github.blip2java.generation.GenerationResult;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.language.DecoderPass;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold for every way to generate and both kinds of language model. */
class GenerationContractTest {
    /** One for each way to choose tokens; all that draw have a seed. */
    private static final Map<String, String> WAYS = Map.of(
            "greedy", "{}",
            "sample", "{\"do_sample\": true, \"seed\": 5, \"top_k\": 20}",
            "beams", "{\"num_beams\": 4}",
            "beam sample", "{\"num_beams\": 3, \"do_sample\": true, \"seed\": 7}",
            "groups", "{\"num_beams\": 4, \"num_beam_groups\": 2, \"diversity_penalty\": 0.7}",
            "constrained", "{\"num_beams\": 4, \"force_words_ids\": [[7, 8]]}",
            "contrastive", "{\"penalty_alpha\": 0.5, \"top_k\": 4}",
            "lookup", "{\"prompt_lookup_num_tokens\": 3}");

    private static final Map<String, Blip2ForConditionalGeneration> MODELS = new HashMap<>();

    @BeforeAll
    static void open() throws IOException {
        for (String name : List.of("opt", "t5")) {
            MODELS.put(
                    name,
                    Blip2ForConditionalGeneration.fromPretrained(
                            Resources.root().resolve("generation").resolve(name)));
        }
    }

    @AfterAll
    static void close() {
        MODELS.values().forEach(Blip2ForConditionalGeneration::close);
    }

    static Stream<Arguments> waysAndModels() {
        return WAYS.keySet().stream()
                .sorted()
                .flatMap(way -> Stream.of("opt", "t5").map(model -> Arguments.of(way, model)));
    }

    private static GenerationConfig options(String way) {
        return GenerationConfig.fromJson(WAYS.get(way)).toBuilder()
                .maxNewTokens(12)
                .build();
    }

    private static ImageEncoding pictures(Blip2ForConditionalGeneration model, int count) {
        int size = model.config().visionConfig().imageSize();
        Tensor pixels = Tensor.zeros(count, 3, size, size);
        Random random = new Random(3);
        for (int i = 0; i < pixels.data().length; i++) {
            pixels.data()[i] = (float) random.nextGaussian();
        }
        return model.encodeImages(Tensors.toINDArray(pixels));
    }

    /** Image ids, start token (OPT) and three words that differ from row to row. */
    private static long[] prompt(Blip2ForConditionalGeneration model, int row) {
        boolean encoder = model.config().textConfig().isEncoderDecoder();
        long[] words = {20 + 7L * row, 31 + 3L * row, 44 + row};
        long[] image = {95, 95, 95, 95};
        long[] rest =
                encoder ? new long[] {words[0], words[1], words[2], 1} : new long[] {2, words[0], words[1], words[2]};
        return Stream.of(image, rest).flatMapToLong(Arrays::stream).toArray();
    }

    private static GenerationResult generate(
            Blip2ForConditionalGeneration model, ImageEncoding images, GenerationConfig options, int... rows) {
        long[][] ids = Arrays.stream(rows).mapToObj(row -> prompt(model, row)).toArray(long[][]::new);
        return model.generate(images, ids, null, options);
    }

    @ParameterizedTest
    @MethodSource("waysAndModels")
    void aBatchIsItsRowsAloneAndItsOrderDoesNotMatter(String way, String name) {
        Blip2ForConditionalGeneration model = MODELS.get(name);
        ImageEncoding images = pictures(model, 1);
        GenerationConfig options = options(way);
        long[][] batch = generate(model, images, options, 0, 1, 2).newTokens();
        // What is drawn hangs on the place in the batch: each has a seed of its own.
        if (!way.contains("sample")) {
            long[][] turned = generate(model, images, options, 2, 0, 1).newTokens();
            assertThat(turned).isDeepEqualTo(new long[][] {batch[2], batch[0], batch[1]});
            for (int row = 0; row < batch.length; row++) {
                assertThat(generate(model, images, options, row).newTokens()[0]).isEqualTo(batch[row]);
            }
        }
        assertThat(generate(model, images, options, 0, 1, 2).newTokens()).isDeepEqualTo(batch);
        assertThat(generate(model, images, options, 0).newTokens()[0]).isEqualTo(batch[0]);
    }

    @ParameterizedTest
    @MethodSource("waysAndModels")
    void paddingChangesNothing(String way, String name) {
        Blip2ForConditionalGeneration model = MODELS.get(name);
        ImageEncoding images = pictures(model, 1);
        long[] plain = prompt(model, 0);
        boolean encoder = model.config().textConfig().isEncoderDecoder();
        int pad = encoder ? 0 : 1;
        long[] padded = Arrays.copyOf(plain, plain.length + 2);
        long[] mask = new long[padded.length];
        Arrays.fill(mask, 1);
        if (encoder) {
            Arrays.fill(padded, plain.length, padded.length, pad);
            Arrays.fill(mask, plain.length, padded.length, 0);
        } else {
            System.arraycopy(plain, 4, padded, 6, plain.length - 4);
            Arrays.fill(padded, 4, 6, pad);
            Arrays.fill(mask, 4, 6, 0);
        }
        GenerationConfig options = options(way);
        assertThat(model.generate(images, new long[][] {padded}, new long[][] {mask}, options)
                        .newTokens())
                .isDeepEqualTo(model.generate(images, new long[][] {plain}, null, options)
                        .newTokens());
    }

    @ParameterizedTest
    @MethodSource("waysAndModels")
    void whatIsToldPieceByPieceIsTheResult(String way, String name) {
        Blip2ForConditionalGeneration model = MODELS.get(name);
        ImageEncoding images = pictures(model, 1);
        List<List<Long>> told = new ArrayList<>(List.of(new ArrayList<>(), new ArrayList<>()));
        GenerationHooks hooks = GenerationHooks.NONE.withListener(
                (sequence, tokens) -> Arrays.stream(tokens).forEach(told.get(sequence)::add));
        long[][] ids = {prompt(model, 0), prompt(model, 1)};
        GenerationResult result = model.generate(images, ids, null, options(way), hooks);
        for (int row = 0; row < 2; row++) {
            assertThat(told.get(row))
                    .isEqualTo(Arrays.stream(result.newTokens()[row]).boxed().toList());
        }
    }

    @ParameterizedTest
    @MethodSource("waysAndModels")
    void whatIsCancelledIsTheBeginningOfTheWhole(String way, String name) {
        Blip2ForConditionalGeneration model = MODELS.get(name);
        ImageEncoding images = pictures(model, 1);
        long[][] ids = {prompt(model, 3)};
        GenerationConfig options = options(way);
        long[] whole = model.generate(images, ids, null, options).newTokens()[0];
        for (int after = 1; after <= 3; after++) {
            Cancellation cancellation = new Cancellation();
            int[] heard = {0};
            int limit = after;
            GenerationHooks hooks = GenerationHooks.NONE
                    .withCancellation(cancellation)
                    .withListener((sequence, tokens) -> {
                        if ((heard[0] += tokens.length) >= limit) {
                            cancellation.cancel();
                        }
                    });
            GenerationResult result = model.generate(images, ids, null, options, hooks);
            long[] some = result.newTokens()[0];
            assertThat(whole).startsWith(some);
            if (some.length < whole.length) {
                assertThat(result.finishReasons()).containsExactly(FinishReason.CANCELLED);
                assertThat(some).hasSize(heard[0]);
            }
        }
        Cancellation before = new Cancellation();
        before.cancel();
        GenerationResult nothing =
                model.generate(images, ids, null, options, GenerationHooks.NONE.withCancellation(before));
        assertThat(nothing.newTokens()[0]).isEmpty();
        assertThat(nothing.finishReasons()).containsExactly(FinishReason.CANCELLED);
    }

    static Stream<String> models() {
        return Stream.of("opt", "t5");
    }

    @ParameterizedTest
    @MethodSource("models")
    void oneBeamIsGreedySearchAndTheScoreOfItsTextIsWhatWasKept(String name) {
        Blip2ForConditionalGeneration model = MODELS.get(name);
        ImageEncoding images = pictures(model, 1);
        long[][] ids = {prompt(model, 1)};
        GenerationConfig greedy = options("greedy");
        GenerationResult result =
                model.generate(images, ids, null, greedy, GenerationHooks.NONE.withLogProbabilities(true));
        assertThat(model.generate(
                        images, ids, null, greedy.toBuilder().numBeams(1).build()))
                .isEqualTo(result);
        float[] kept = result.details().logProbabilities()[0];
        float[] scored = model.score(images, ids, null, result.newTokens())[0];
        assertThat(scored).hasSameSizeAs(kept);
        for (int i = 0; i < kept.length; i++) {
            assertThat(scored[i]).isCloseTo(kept[i], within(1e-4f));
        }
    }

    /** Each step's part of the passes is what a pass over the whole text has there. */
    @ParameterizedTest
    @MethodSource("models")
    void passesAreThoseOfAFullPass(String name) {
        Blip2ForConditionalGeneration model = MODELS.get(name);
        boolean encoder = model.config().textConfig().isEncoderDecoder();
        int size = model.config().visionConfig().imageSize();
        Tensor pixels = Tensor.zeros(1, 3, size, size);
        Arrays.fill(pixels.data(), 0.3f);
        ImageEncoding image = model.encodeImages(Tensors.toINDArray(pixels));
        long[][] ids = {prompt(model, 0)};
        GenerationConfig options = options("beams").toBuilder()
                .set(GenerationOption.OUTPUT_HIDDEN_STATES, true)
                .set(GenerationOption.OUTPUT_ATTENTIONS, true)
                .build();
        GenerationResult result = model.generate(image, ids, null, options);
        DecoderPass[] passes = result.details().passes()[0];
        long[] sequence =
                Arrays.copyOf(result.sequences()[0], result.sequences()[0].length - 1); // the last token is not read
        Blip2Inputs.Builder inputs = Blip2Inputs.builder()
                .pixelValues(Tensors.toINDArray(pixels))
                .inputIds(encoder ? ids : new long[][] {sequence})
                .outputHiddenStates(true)
                .outputAttentions(true);
        if (encoder) {
            inputs.decoderInputIds(new long[][] {sequence});
        }
        var full = model.forward(inputs.build()).languageModelOutputs();
        assertThat(passes).hasSize(result.newTokens()[0].length);
        int position = sequence.length - passes.length;
        for (int step = 0; step < passes.length; step++, position++) {
            for (int layer = 0; layer < passes[step].hiddenStates().size(); layer++) {
                Tensor own = passes[step].hiddenStates().get(layer);
                Tensor all = Tensors.fromINDArray(full.hiddenStates().get(layer), "hidden states");
                int width = own.cols();
                for (int i = 0; i < width; i++) {
                    assertThat(own.data()[(own.rows() - 1) * width + i])
                            .isCloseTo(all.data()[position * width + i], within(1e-4f));
                }
            }
            for (int layer = 0; layer < passes[step].attentions().size(); layer++) {
                Tensor own = passes[step].attentions().get(layer);
                Tensor all = Tensors.fromINDArray(full.attentions().get(layer), "attentions");
                assertThat(own.dim(2)).isEqualTo(position + 1);
                for (int head = 0; head < own.dim(0); head++) {
                    for (int key = 0; key <= position; key++) {
                        float expected = all.data()[(head * all.dim(2) + position) * all.dim(3) + key];
                        float actual = own.data()[(head * own.dim(1) + own.dim(1) - 1) * own.dim(2) + key];
                        assertThat(actual).isCloseTo(expected, within(1e-4f));
                    }
                }
            }
            assertThat(passes[step].crossAttentions())
                    .hasSize(encoder ? passes[step].attentions().size() : 0);
        }
    }

    /** Two hundred texts of all kinds: what they take is given back. */
    @Test
    void manyTextsOfMixedKindsLeaveNothingBehind() {
        List<String> ways = WAYS.keySet().stream().sorted().toList();
        long[] used = new long[2];
        long[] nativeUsed = new long[2];
        for (int i = 0; i < 200; i++) {
            Blip2ForConditionalGeneration model = MODELS.get(i % 2 == 0 ? "opt" : "t5");
            generate(model, pictures(model, 1), options(ways.get(i / 2 % ways.size())), i % 5);
            if (i == 99 || i == 199) {
                System.gc();
                used[i / 100] =
                        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
                nativeUsed[i / 100] = Pointer.totalBytes();
            }
        }
        assertThat(used[1] - used[0]).isLessThan(8L << 20);
        assertThat(nativeUsed[1] - nativeUsed[0]).isLessThan(1L << 20);
    }
}
