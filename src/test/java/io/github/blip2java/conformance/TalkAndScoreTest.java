/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.blip2java.ImageEncoding;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.generation.Cancellation;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.pipeline.ScoredText;
import io.github.blip2java.pipeline.Talk;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.TextOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Conversations about a picture, and how probable given texts are. */
class TalkAndScoreTest {
    private static final Map<String, Blip2Pipeline> PIPELINES = new HashMap<>();
    private static Image cat;
    private static Image drawing;

    @BeforeAll
    static void load() throws IOException {
        for (String name : List.of("opt-tiny", "t5-gated")) {
            PIPELINES.put(name, Blip2Pipeline.load(Resources.checkpoint(name)));
        }
        PIPELINES.put("demo", Blip2Pipeline.load(DemoModel.checkpoint()));
        cat = ImageReader.read(Resources.photo("cat.jpg"));
        drawing = ImageReader.read(HeldOutDrawings.examples().get(0).file());
    }

    @AfterAll
    static void close() {
        PIPELINES.values().forEach(Blip2Pipeline::close);
    }

    private static Blip2Request few(Image image, int tokens) {
        return Blip2Request.about(image)
                .options(GenerationConfig.builder().maxNewTokens(tokens).build())
                .build();
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void eachQuestionComesBehindTheTurnsBefore(String model) {
        Blip2Pipeline blip2 = PIPELINES.get(model);
        Talk talk = blip2.talk(few(cat, 4));
        String first = talk.ask(" what is it? ").text();
        assertThat(first)
                .isEqualTo(blip2.generate(few(cat, 4).toBuilder()
                                .prompt("Question: what is it? Answer:")
                                .build())
                        .get(0)
                        .text());
        StringBuilder heard = new StringBuilder();
        GeneratedText second = talk.ask("why?", (sequence, piece) -> heard.append(piece));
        String context = "Question: what is it? Answer: " + first + (first.endsWith(".") ? " " : ". ");
        assertThat(second)
                .isEqualTo(blip2.generate(few(cat, 4).toBuilder()
                                .prompt(context + "Question: why? Answer:")
                                .build())
                        .get(0));
        assertThat(heard.toString()).isEqualTo(second.text());
        assertThat(talk.history()).extracting(Talk.Turn::question).containsExactly("what is it?", "why?");
        assertThat(talk.undo()).isTrue();
        assertThat(talk.ask("why?")).isEqualTo(second);
        assertThat(talk.undo() && talk.undo()).isTrue();
        assertThat(talk.undo()).isFalse();
        assertThat(talk.ask("what is it?").text()).isEqualTo(first);
    }

    @Test
    void theOldestTurnsAreLeftOutWhereTheModelHasTooFewPositions() {
        Blip2Pipeline blip2 = PIPELINES.get("opt-tiny"); // 96 positions
        Talk talk = blip2.talk(few(cat, 5));
        for (int i = 0; i < 12; i++) {
            String question = "what is at place " + i + "?";
            String fits = longestThatFits(blip2, talk.history(), question);
            GeneratedText answer = talk.ask(question);
            assertThat(answer)
                    .isEqualTo(
                            blip2.generate(few(cat, 5).toBuilder().prompt(fits).build())
                                    .get(0));
            assertThat(answer.tokenIds()).isNotEmpty();
            assertThat(answer.finishReason() == FinishReason.LENGTH)
                    .isEqualTo(answer.tokenIds().size() == 5);
        }
        assertThat(talk.history()).hasSize(12);
        assertThatThrownBy(() -> talk.ask("why? ".repeat(90)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(
                        "sequence: expected at most 96 positions (max_position_embeddings), got a prompt");
        assertThatThrownBy(() -> talk.ask("  "))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("question: expected words, got \"  \"");
        assertThat(talk.history()).hasSize(12);
    }

    /** The prompt with as many of the last turns as leave positions for five tokens. */
    private static String longestThatFits(Blip2Pipeline blip2, List<Talk.Turn> turns, String question) {
        String prompt = "Question: " + question + " Answer:";
        for (int i = turns.size() - 1; i >= 0; i--) {
            Talk.Turn turn = turns.get(i);
            String longer = "Question: " + turn.question() + " Answer: "
                    + turn.answer().text() + (turn.answer().text().endsWith(".") ? " " : ". ") + prompt;
            if (blip2.processor()
                            .prompts(List.of(longer), TextOptions.defaults())
                            .inputIds()[0]
                            .length
                    > 96 - 5) {
                return prompt;
            }
            prompt = longer;
        }
        return prompt;
    }

    @Test
    void aCancelledAnswerIsInTheHistory() {
        Cancellation cancellation = new Cancellation();
        Talk talk = PIPELINES
                .get("opt-tiny")
                .talk(Blip2Request.about(cat).cancellation(cancellation).build());
        GeneratedText answer = talk.ask("what is it?", (sequence, piece) -> cancellation.cancel());
        assertThat(answer.finishReason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(talk.history()).containsExactly(new Talk.Turn("what is it?", answer));
    }

    @Test
    void anAnswerEndsWhereTheModelAsksItself() {
        Talk talk = PIPELINES.get("demo").talk(drawing);
        assertThat(talk.ask("what is this?").text()).isNotBlank().doesNotContain("Question:");
        assertThatThrownBy(() -> PIPELINES
                        .get("demo")
                        .talk(Blip2Request.about(List.of(cat, cat)).build()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("request: expected one picture, got 2");
    }

    @Test
    void theScoreOfTheGreedyTextIsItsSummedLogProbabilities() {
        Blip2Pipeline blip2 = PIPELINES.get("demo");
        for (String prompt : List.of("", "a picture of")) {
            GeneratedText text = blip2.generate(Blip2Request.about(drawing)
                            .prompt(prompt)
                            .logProbabilities(true)
                            .build())
                    .get(0);
            assertThat(text.finishReason()).isEqualTo(FinishReason.EOS);
            List<ScoredText> ranked = blip2.score(drawing, prompt, List.of("a bicycle", text.text(), "snow"));
            ScoredText best = ranked.get(0);
            assertThat(best.text()).isEqualTo(text.text());
            assertThat(best.tokenIds()).isEqualTo(text.tokenIds());
            assertThat(best.logProbability()).isCloseTo(text.logProbability(), within(1e-4));
            assertThat(best.meanLogProbability())
                    .isCloseTo(text.logProbability() / text.tokenIds().size(), within(1e-4));
            assertThat(best.perplexity()).isCloseTo(Math.exp(-best.meanLogProbability()), within(1e-9));
            assertThat(ranked).extracting(ScoredText::logProbability).isSortedAccordingTo(Collections.reverseOrder());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void candidatesAreScoredAsTheModelScoresTheirIds(String model) {
        Blip2Pipeline blip2 = PIPELINES.get(model);
        boolean follows = model.equals("opt-tiny");
        ImageEncoding encoding = blip2.encode(cat);
        List<String> candidates = List.of("a cat", "two dogs on a bench", "a");
        List<ScoredText> ranked =
                blip2.score(Blip2Request.about(encoding).prompt("a photo of").build(), candidates);
        assertThat(ranked).extracting(ScoredText::text).containsExactlyInAnyOrderElementsOf(candidates);
        var prompt = blip2.processor().prompts(List.of("a photo of"), TextOptions.defaults());
        for (ScoredText one : ranked) {
            long[] ids = one.tokenIds().stream().mapToLong(Long::longValue).toArray();
            List<Long> expected = new ArrayList<>();
            for (long id : blip2.processor().tokenizer().encode((follows ? " " : "") + one.text(), false)) {
                expected.add(id);
            }
            expected.add(Long.valueOf(
                    blip2.model().config().textConfig().eosTokenIds().get(0)));
            assertThat(one.tokenIds()).isEqualTo(expected);
            float[] scores =
                    blip2.model().score(encoding, prompt.inputIds(), prompt.attentionMask(), new long[][] {ids})[0];
            for (int i = 0; i < scores.length; i++) {
                assertThat(one.logProbabilities().get(i)).isCloseTo(scores[i], within(1e-4f));
            }
        }
        assertThatThrownBy(() -> blip2.score(cat, null, List.of("a", " ")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("candidates: expected words, got \" \"");
        assertThatThrownBy(() -> blip2.score(cat, null, List.of("an <image>")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "candidates: expected none with <image>, got \"an <image>\"; it stands for a part of an image");
        assertThatThrownBy(() -> blip2.score(cat, null, List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("candidates: expected one or more, got none");
        assertThatThrownBy(() -> blip2.score(
                        Blip2Request.about(cat).prompts(List.of("a", "b")).build(), List.of("c")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("prompts: expected one at most, got 2; score about each by itself");
    }
}
