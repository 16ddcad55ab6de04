/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.blip2java.ImageEncoding;
import io.github.blip2java.generation.Cancellation;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.pipeline.Preset;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.tokenizer.StopStrings;
import io.github.blip2java.processor.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request can ask for beside a text: to hear of it, to end it, to know how probable it is. */
class RequestTest {
    private static final Map<String, Blip2Pipeline> PIPELINES = new HashMap<>();
    private static final GenerationConfig LONG =
            GenerationConfig.builder().maxNewTokens(40).build();
    private static List<Image> images;

    @BeforeAll
    static void load() throws IOException {
        for (String name : List.of("opt-tiny", "t5-gated")) {
            PIPELINES.put(name, Blip2Pipeline.load(Resources.checkpoint(name)));
        }
        images = List.of(photo("cat.jpg"), photo("coffee.jpg"), photo("rocket.jpg"));
    }

    @AfterAll
    static void close() {
        PIPELINES.values().forEach(Blip2Pipeline::close);
    }

    private static Image photo(String name) throws IOException {
        return ImageReader.read(Resources.photo(name));
    }

    private static List<GeneratedText> generate(
            String model, UnaryOperator<Blip2Request.Builder> ask, Blip2Request.Builder about) {
        return PIPELINES.get(model).generate(ask.apply(about.options(LONG)).build());
    }

    private static GeneratedText one(String model, UnaryOperator<Blip2Request.Builder> ask) {
        return generate(model, ask, Blip2Request.about(images.get(0))).get(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void piecesJoinedAreTheTexts(String model) {
        List<Image> many =
                IntStream.range(0, 21).mapToObj(i -> images.get(i % 3)).toList(); // more than are encoded at a time
        for (boolean words : new boolean[] {false, true}) {
            Map<Integer, StringBuilder> heard = new HashMap<>();
            List<GeneratedText> texts = generate(
                    model,
                    request -> request.prompt("a photo of").wholeWords(words).listener((sequence, piece) -> {
                        assertThat(piece).isNotEmpty();
                        heard.computeIfAbsent(sequence, key -> new StringBuilder())
                                .append(piece);
                    }),
                    Blip2Request.about(many));
            assertThat(texts).isEqualTo(generate(model, r -> r.prompt("a photo of"), Blip2Request.about(many)));
            for (int i = 0; i < texts.size(); i++) {
                assertThat(heard.getOrDefault(i, new StringBuilder()).toString())
                        .isEqualTo(texts.get(i).text());
            }
            assertThat(heard).hasSizeGreaterThan(3);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void severalPromptsAboutOnePictureAreThoseOneByOne(String model) {
        ImageEncoding encoding = PIPELINES.get(model).encode(images.get(1));
        List<String> prompts = List.of("a photo of", "this", "two cats on");
        List<GeneratedText> each = new ArrayList<>();
        prompts.forEach(prompt -> each.addAll(generate(model, r -> r.prompt(prompt), Blip2Request.about(encoding))));
        assertThat(generate(model, r -> r.prompts(prompts), Blip2Request.about(encoding)))
                .isEqualTo(each);
        assertThat(generate(model, r -> r.prompts(prompts), Blip2Request.about(images.get(1))))
                .isEqualTo(each);
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void aCancelledTextIsTheBeginningOfTheWholeOne(String model) {
        GeneratedText whole = one(model, r -> r);
        for (int after : new int[] {1, 5}) {
            Cancellation cancellation = new Cancellation();
            int[] pieces = {0};
            StringBuilder heard = new StringBuilder();
            GeneratedText cut = one(
                    model,
                    r -> r.cancellation(cancellation).listener((sequence, piece) -> {
                        heard.append(piece);
                        if (++pieces[0] == after) {
                            cancellation.cancel();
                        }
                    }));
            assertThat(cut.finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(cut.tokenIds())
                    .isNotEmpty()
                    .isEqualTo(whole.tokenIds().subList(0, cut.tokenIds().size()))
                    .hasSizeLessThan(whole.tokenIds().size());
            assertThat(whole.text()).startsWith(cut.text().replaceAll("\ufffd+$", ""));
            assertThat(heard.toString()).isEqualTo(cut.text());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void aStopStringEndsTheTextAndIsNoPartOfIt(String model) {
        GeneratedText whole = one(model, r -> r);
        long[] ids = whole.tokenIds().stream().mapToLong(i -> i).toArray();
        Tokenizer tokenizer = PIPELINES.get(model).processor().tokenizer();
        String raw = tokenizer.joined(ids, true).strip();
        int tried = 0;
        for (int from = 1; from < whole.text().length() - 3; from += 2) {
            String stop = whole.text().substring(from, from + 3);
            // They are looked for in tokens, of which those of no text divide what looks like one text, and which T5
            // cleans behind.
            StopStrings stops = new StopStrings(tokenizer, List.of(stop));
            boolean inTokens = IntStream.rangeClosed(1, ids.length)
                    .anyMatch(length -> stops.ended(i -> (int) ids[i], length) != null);
            if (!inTokens
                    || stop.contains("\ufffd")
                    || !raw.startsWith(whole.text().substring(0, whole.text().indexOf(stop) + 3))) {
                continue;
            }
            tried++;
            StringBuilder heard = new StringBuilder();
            GeneratedText cut = one(
                    model,
                    r -> r.options(LONG.toBuilder()
                                    .stopStrings("no such text", stop)
                                    .build())
                            .listener((sequence, piece) -> heard.append(piece)));
            assertThat(cut.finishReason()).isEqualTo(FinishReason.STOP_STRING);
            assertThat(cut.text())
                    .isEqualTo(whole.text()
                            .substring(0, whole.text().indexOf(stop))
                            .strip());
            assertThat(cut.tokenIds())
                    .isEqualTo(whole.tokenIds().subList(0, cut.tokenIds().size()));
            assertThat(PIPELINES
                            .get(model)
                            .processor()
                            .decode(cut.tokenIds().stream().mapToLong(i -> i).toArray(), true))
                    .contains(stop);
            assertThat(heard.toString()).isEqualTo(cut.text());
        }
        assertThat(tried).isGreaterThan(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void probabilitiesComeWhenAskedFor(String model) {
        GeneratedText without = one(model, r -> r);
        assertThat(without.logProbabilities()).isEmpty();
        assertThatThrownBy(without::logProbability)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("logProbabilities: expected one for each of the "
                        + without.tokenIds().size() + " tokens, got 0; ask for them in the request");
        GeneratedText with = one(model, r -> r.logProbabilities(true));
        assertThat(with.tokenIds()).isEqualTo(without.tokenIds());
        assertThat(with.logProbabilities())
                .hasSameSizeAs(with.tokenIds())
                .allMatch(each -> each <= 0 && Float.isFinite(each));
        double sum = 0;
        for (float each : with.logProbabilities()) {
            sum += each;
        }
        assertThat(with.logProbability()).isEqualTo(sum).isNegative();
        assertThat(with.candidates()).containsExactly(with);
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void beamsStreamWhatTheyAgreeOnAndGiveTheirCandidatesInOrder(String model) {
        GenerationConfig beams =
                LONG.toBuilder().numBeams(4).numReturnSequences(3).build();
        Map<Integer, StringBuilder> heard = new HashMap<>();
        List<Image> two = images.subList(0, 2);
        List<GeneratedText> texts = generate(
                model,
                r -> r.options(beams)
                        .prompt("a photo of")
                        .logProbabilities(true)
                        .listener((sequence, piece) -> heard.computeIfAbsent(sequence, key -> new StringBuilder())
                                .append(piece)),
                Blip2Request.about(two));
        assertThat(texts).hasSize(2);
        for (int i = 0; i < 2; i++) {
            List<GeneratedText> candidates = texts.get(i).candidates();
            assertThat(candidates)
                    .hasSize(3)
                    .extracting(GeneratedText::tokenIds)
                    .doesNotHaveDuplicates();
            assertThat(candidates)
                    .extracting(candidate -> candidate.score().orElseThrow())
                    .isSortedAccordingTo((left, right) -> Double.compare(right, left));
            for (int n = 0; n < 3; n++) {
                assertThat(heard.getOrDefault(3 * i + n, new StringBuilder()).toString())
                        .isEqualTo(candidates.get(n).text());
                // Nothing changes the scores here, so that they are the probabilities by length.
                assertThat(candidates.get(n).score().orElseThrow())
                        .isCloseTo(
                                candidates.get(n).logProbability()
                                        / candidates.get(n).tokenIds().size(),
                                within(1e-4));
            }
            GeneratedText alone = generate(
                            model, r -> r.options(beams).prompt("a photo of"), Blip2Request.about(two.get(i)))
                    .get(0);
            assertThat(alone.candidates())
                    .extracting(GeneratedText::tokenIds)
                    .isEqualTo(candidates.stream().map(GeneratedText::tokenIds).toList());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void theSameSeedDrawsTheSameText(String model) {
        GenerationConfig drawn =
                LONG.toBuilder().doSample(true).topK(0).seed(11).build();
        GeneratedText first = one(model, r -> r.options(drawn));
        assertThat(one(model, r -> r.options(drawn))).isEqualTo(first);
        StringBuilder heard = new StringBuilder();
        assertThat(one(model, r -> r.options(drawn).listener((sequence, piece) -> heard.append(piece))))
                .isEqualTo(first);
        assertThat(heard.toString()).isEqualTo(first.text());
        assertThat(one(model, r -> r.options(drawn.toBuilder().seed(12).build())))
                .isNotEqualTo(first);
    }

    @ParameterizedTest
    @ValueSource(strings = {"opt-tiny", "t5-gated"})
    void presetsAreTheOptionsOfLavisAndGiveWayToTheRequest(String model) {
        boolean t5 = model.startsWith("t5");
        GenerationConfig none = GenerationConfig.defaults();
        GenerationConfig caption = GenerationConfig.builder()
                .numBeams(5)
                .maxNewTokens(30)
                .minNewTokens(8)
                .build();
        GenerationConfig vqa = GenerationConfig.builder()
                .numBeams(5)
                .maxNewTokens(10)
                .minNewTokens(1)
                .lengthPenalty(t5 ? -1 : 0)
                .build();
        assertThat(one(model, r -> r.options(none).preset(Preset.CAPTION)))
                .isEqualTo(one(model, r -> r.options(caption).prompt("a photo of")));
        assertThat(one(model, r -> r.options(none).preset(Preset.CAPTION).prompt("")))
                .isEqualTo(one(model, r -> r.options(caption)));
        assertThat(one(model, r -> r.options(none).preset(Preset.VQA).question("what?")))
                .isEqualTo(one(model, r -> r.options(vqa).question("what?")));
        GenerationConfig drawn = GenerationConfig.builder()
                .doSample(true)
                .seed(1)
                .maxNewTokens(4)
                .build();
        assertThat(one(model, r -> r.options(drawn).preset(Preset.CAPTION)))
                .isEqualTo(one(model, r -> r.options(drawn).prompt("a photo of")));
    }
}
