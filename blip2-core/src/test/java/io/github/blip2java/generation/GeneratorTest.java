/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.generation.logits.InfNanRemoveLogitsProcessor;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.language.Prompt;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GeneratorTest {
    private static final GenerationConfig DEFAULTS =
            GenerationConfig.builder().eosTokenIds(11).padTokenId(9).build();

    private static GenerationConfig options(String json) {
        return GenerationConfig.fromJson(json);
    }

    private static GenerationResult generate(
            Generator generator, Prompt prompt, long[][] prefix, int promptLength, GenerationConfig options) {
        return generator.generate(
                new Generator.Prompts(prompt, prefix, new int[prefix.length][0], promptLength),
                options,
                GenerationHooks.NONE);
    }

    @Test
    void rowsAreFilledUpBehindTheirPrefix() {
        FakeModel model = FakeModel.limited(new int[] {1, 11}, new int[] {2, 3, 4});
        GenerationResult result = generate(
                new Generator(model, DEFAULTS),
                FakeModel.prompt(2, 3),
                new long[][] {{0, 6, 7}, {6, 7, 8}},
                3,
                options("{\"max_new_tokens\": 3}"));
        assertThat(result)
                .isEqualTo(new GenerationResult(
                        new long[][] {{0, 6, 7, 1, 11, 9}, {6, 7, 8, 2, 3, 4}},
                        new long[][] {{1, 11}, {2, 3, 4}},
                        List.of(FinishReason.EOS, FinishReason.LENGTH)));
    }

    @Test
    void aCallsOptionsComeBeforeTheDefaults() {
        FakeModel model = FakeModel.limited(new int[] {1, 2, 11, 3}, new int[] {5});
        GenerationResult result = generate(
                new Generator(model, DEFAULTS),
                FakeModel.prompt(1, 1),
                new long[2][1],
                1,
                options("{\"eos_token_id\": [2, 5], \"pad_token_id\": 8, \"max_new_tokens\": 6}"));
        assertThat(result.sequences()).isDeepEqualTo(new long[][] {{0, 1, 2}, {0, 5, 8}});
        // Reference: without a padding token the first end token serves.
        GenerationResult noPad = generate(
                new Generator(model, GenerationConfig.defaults()),
                FakeModel.prompt(1, 1),
                new long[2][1],
                1,
                options("{\"eos_token_id\": [2, 5]}"));
        assertThat(noPad.sequences()).isDeepEqualTo(new long[][] {{0, 1, 2}, {0, 5, 2}});
    }

    @Test
    void minimalLengthsForbidTheEnd() {
        FakeModel model = FakeModel.limited(new int[] {11});
        for (String least : List.of("\"min_new_tokens\": 3", "\"min_length\": 10")) {
            assertThat(generate(
                                    new Generator(model, DEFAULTS),
                                    FakeModel.prompt(7),
                                    new long[1][4],
                                    7,
                                    options("{" + least + "}"))
                            .newTokens()[0])
                    .containsExactly(0, 0, 0, 11);
        }
    }

    @Test
    void withoutALimitTheModelsPositionsEndTheText() {
        FakeModel limited = FakeModel.limited(new int[] {1});
        for (String most : List.of(
                "\"max_new_tokens\": 2147483647",
                "\"max_length\": 2147483647",
                "\"max_new_tokens\": 24",
                "\"max_length\": 31")) {
            GenerationResult result = generate(
                    new Generator(limited, DEFAULTS),
                    FakeModel.prompt(7),
                    new long[1][7],
                    7,
                    options("{" + most + "}"));
            assertThat(result.newTokens()[0]).hasSize(23);
            assertThat(result.finishReasons()).containsExactly(FinishReason.LENGTH);
        }
        int[] thousand = new int[1000];
        thousand[999] = 11;
        FakeModel unlimited = FakeModel.unlimited(thousand);
        for (int most : new int[] {2_000_000_000, Integer.MAX_VALUE}) {
            GenerationResult result = generate(
                    new Generator(unlimited, DEFAULTS),
                    FakeModel.prompt(7),
                    new long[1][1],
                    1,
                    GenerationConfig.builder()
                            .maxNewTokens(most)
                            .minNewTokens(1)
                            .build());
            assertThat(result.newTokens()[0]).hasSize(1000);
            assertThat(result.finishReasons()).containsExactly(FinishReason.EOS);
        }
    }

    @Test
    void withoutALimitOfTheModelsTheTextEndsWhereMemoryDoes() {
        int room = (int) (Runtime.getRuntime().maxMemory() / 2 / 40_000_000);
        for (int most : new int[] {2_000_000_000, Integer.MAX_VALUE}) {
            GenerationResult result = generate(
                    new Generator(FakeModel.large(new int[] {1}), DEFAULTS),
                    FakeModel.prompt(7),
                    new long[1][1],
                    1,
                    GenerationConfig.builder().maxNewTokens(most).build());
            assertThat(result.newTokens()[0]).hasSize(room);
            assertThat(result.finishReasons()).containsExactly(FinishReason.LENGTH);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{\"min_new_tokens\": 24, \"max_new_tokens\": 40} | minNewTokens: expected at most the 23 new tokens that are allowed, got 24; raise maxNewTokens or lower it",
                "{\"max_length\": 9} | maxLength: expected more than the 9 positions of the prompt (image tokens included), got 9; set maxNewTokens, which counts new tokens only",
                "{\"min_new_tokens\": 21} | minNewTokens: expected at most the 20 new tokens that are allowed, got 21; raise maxNewTokens or lower it",
                "{\"min_length\": 15, \"max_new_tokens\": 5} | minLength: expected at most the 5 new tokens that are allowed, got 6 after a prompt of 9; raise maxNewTokens or lower it",
                "{\"min_new_tokens\": 4, \"max_length\": 12} | minNewTokens: expected at most the 3 new tokens that are allowed, got 4; raise maxNewTokens or lower it",
                "{\"eos_token_id\": [3, 12]} | eosTokenIds: expected ids from 0 to 11, got 12; use ids of this model's tokenizer",
                "{\"pad_token_id\": 12} | padTokenId: expected ids from 0 to 11, got 12; use ids of this model's tokenizer",
            })
    void whatContradictsIsRefusedBeforeTheModelIsAsked(String json, String message) {
        FakeModel model = FakeModel.limited(new int[] {1});
        Generator generator = new Generator(model, DEFAULTS);
        assertThatThrownBy(() -> generator.check(7, 9, options(json)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message.strip());
        assertThatThrownBy(() -> generate(generator, FakeModel.prompt(7), new long[1][9], 9, options(json)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message.strip());
        assertThat(model.calls).isEmpty();
    }

    @Test
    void aPromptWithoutRoomForATokenIsRefused() {
        Generator generator = new Generator(FakeModel.limited(new int[] {1}), DEFAULTS);
        for (String json : List.of("{}", "{\"max_new_tokens\": 2147483647}")) {
            assertThatThrownBy(() -> generator.check(30, 30, options(json)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("sequence: expected at most 30 positions (max_position_embeddings), got a"
                            + " prompt of 30 (image tokens included) and 1 new tokens");
        }
        generator.check(29, 29, options("{}"));
        assertThatThrownBy(() -> generator.check(3, 3, null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("options: expected a GenerationConfig, got null; GenerationConfig.defaults() sets nothing");
    }

    @Test
    void resultsShareNoArrays() {
        long[][] sequences = {{1, 2}};
        GenerationResult result = new GenerationResult(sequences, new long[][] {{2}}, List.of(FinishReason.EOS));
        sequences[0][0] = 7;
        result.sequences()[0][1] = 7;
        result.newTokens()[0][0] = 7;
        GenerationResult same =
                new GenerationResult(new long[][] {{1, 2}}, new long[][] {{2}}, List.of(FinishReason.EOS));
        assertThat(result).isEqualTo(same).hasSameHashCodeAs(same);
        assertThat(result).hasToString("GenerationResult[sequences=[[1, 2]], newTokens=[[2]], finishReasons=[EOS]]");
        assertThat(result)
                .isNotEqualTo(
                        new GenerationResult(new long[][] {{1, 2}}, new long[][] {{2}}, List.of(FinishReason.LENGTH)));
    }

    /** What a fake model is asked to embed for guidance. */
    private static String unconditional(FakeModel model, int[][] texts, long[][] negative) {
        new Generator(model, DEFAULTS)
                .generate(
                        new Generator.Prompts(FakeModel.prompt(3, 4), new long[][] {{9, 5}, {9, 6}}, texts, 2),
                        options("{\"max_new_tokens\": 3, \"guidance_scale\": 2}"),
                        negative == null ? GenerationHooks.NONE : GenerationHooks.NONE.withNegativePromptIds(negative));
        return model.calls.stream()
                .filter(call -> call.startsWith("embed"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void guidanceMovesAwayFromTheLastTokenOrATextOfTheCaller() {
        int[][] script = {{1, 2}, {3}};
        int[][] texts = {{7, 5}, {}};
        assertThat(unconditional(FakeModel.limited(script), texts, null)).isEqualTo("embed [[5, 6]]");
        FakeModel encoderDecoder = FakeModel.unlimited(script);
        long end = encoderDecoder.config().eosTokenIds().get(0);
        assertThat(unconditional(encoderDecoder, texts, null)).isEqualTo("embed [[5, " + end + "]]");
        assertThat(unconditional(FakeModel.limited(script), texts, new long[][] {{4, 8}}))
                .isEqualTo("embed [[4, 8, 4, 8]]");
        assertThat(unconditional(FakeModel.limited(script), texts, new long[][] {{4, 8}, {3}}))
                .isEqualTo("embed [[4, 8, 3]]");
        assertThatThrownBy(() -> unconditional(FakeModel.limited(script), texts, new long[][] {{1}, {2}, {3}}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("negativePromptIds: expected one text, or one for each of the 2 prompts, got 3");
        assertThatThrownBy(() -> unconditional(FakeModel.limited(script), texts, new long[][] {{1}, {}}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "negativePromptIds: expected at least one id in each text, got none for prompt 1; pass null for the"
                                + " last token of each prompt");
    }

    @Test
    void scoresThatAreNoNumbersAreReplacedOnRequest() {
        FakeModel model = FakeModel.limited(new int[] {1});
        var state = model.new State(1).with(3, Float.NaN).with(1, -1);
        var removing = new InfNanRemoveLogitsProcessor();
        float[] scores = new Frontier(
                        List.of(Hypothesis.of(0, new int[] {1}, new int[0])), state, removing, Frontier.Kept.NOTHING)
                .scores(0);
        assertThat(scores[3]).isZero();
        assertThat(scores[1]).isEqualTo(-1);
    }
}
