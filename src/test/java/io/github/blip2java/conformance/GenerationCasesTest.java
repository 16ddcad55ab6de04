/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.checkpoint.SafetensorsFile;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationHooks;
import io.github.blip2java.generation.GenerationOption;
import io.github.blip2java.generation.GenerationResult;
import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.generation.logits.LogitsProcessors;
import io.github.blip2java.generation.search.beam.CurrentTokens;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.processor.tokenizer.StopStrings;
import io.github.blip2java.processor.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What transformers generated with two tiny models, over all options: {@code src/test/resources/generation/README.md}. */
class GenerationCasesTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path FOLDER = Resources.root().resolve("generation");
    private static final float SCORE = 1e-4f;

    /** Groups that are no calls of {@code generate}, or draw tokens. */
    private static final Set<String> OTHERS = Set.of(
            "sampling.jsonl", "sampled.jsonl", "beam-sample.jsonl", "score.jsonl", "encoder.jsonl", "stops.jsonl");

    private static final Map<String, Blip2ForConditionalGeneration> MODELS = new HashMap<>();
    private static SafetensorsFile pictures;

    @BeforeAll
    static void open() throws IOException {
        pictures = SafetensorsFile.open(FOLDER.resolve("pictures.safetensors"));
        for (String name : List.of("opt", "t5", "assistant", "assistant-t5")) {
            MODELS.put(name, Blip2ForConditionalGeneration.fromPretrained(FOLDER.resolve(name)));
        }
    }

    @AfterAll
    static void close() throws IOException {
        MODELS.values().forEach(Blip2ForConditionalGeneration::close);
        pictures.close();
    }

    /** A line of a file; named in reports. */
    record Case(String file, JsonNode json) {
        @Override
        public String toString() {
            return file + " " + json.path("name").asText();
        }

        GenerationConfig options() {
            return GenerationConfig.fromJson(json.path("options").toString());
        }

        /** Whether the least length is above the greatest. */
        boolean isUnreachable() {
            JsonNode options = json.path("options");
            return json.path("model").asText().equals("opt")
                    && options.path("min_length").asInt()
                                    - json.path("input_ids").path(0).size()
                            > options.path("max_new_tokens").asInt(1000);
        }

        boolean isForcedFirst() {
            return json.path("model").asText().equals("opt")
                    && json.path("options").has("forced_bos_token_id");
        }

        GenerationHooks hooks() {
            GenerationHooks hooks = GenerationHooks.NONE;
            JsonNode arguments = json.path("arguments");
            JsonNode tables = arguments.path("prefix_allowed_tokens");
            if (!tables.isMissingNode()) {
                hooks = hooks.withPrefixAllowedTokens(hypothesis -> {
                    JsonNode table = tables.get(hypothesis.prompt());
                    String last = String.valueOf(hypothesis.lastToken());
                    return JSON.convertValue(table.has(last) ? table.get(last) : table.get("default"), int[].class);
                });
            }
            JsonNode negative = arguments.path("negative_prompt_ids");
            if (!negative.isMissingNode()) {
                hooks = hooks.withNegativePromptIds(kept(negative, arguments.path("negative_prompt_attention_mask")));
            }
            return hooks;
        }

        private static long[][] kept(JsonNode ids, JsonNode mask) {
            long[][] rows = new long[ids.size()][];
            for (int row = 0; row < rows.length; row++) {
                List<Long> kept = new ArrayList<>();
                for (int i = 0; i < ids.get(row).size(); i++) {
                    if (mask.isMissingNode() || mask.get(row).get(i).asInt() == 1) {
                        kept.add(ids.get(row).get(i).asLong());
                    }
                }
                rows[row] = kept.stream().mapToLong(Long::longValue).toArray();
            }
            return rows;
        }

        long[][] ids(String name) {
            JsonNode ids = json.path(name);
            return ids.isMissingNode() || ids.isNull() ? null : JSON.convertValue(ids, long[][].class);
        }
    }

    static List<Case> cases(String file) throws IOException {
        List<Case> cases = new ArrayList<>();
        for (String line : Files.readAllLines(FOLDER.resolve(file))) {
            cases.add(new Case(file, JSON.readTree(line)));
        }
        return cases;
    }

    static List<Case> generated() throws IOException {
        List<Case> cases = new ArrayList<>();
        try (Stream<Path> files = Files.list(FOLDER)) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                if (name.endsWith(".jsonl") && !OTHERS.contains(name)) {
                    cases.addAll(cases(name));
                }
            }
        }
        return cases;
    }

    private static ImageEncoding encode(Blip2ForConditionalGeneration model, JsonNode names) {
        int size = model.config().visionConfig().imageSize();
        Tensor pixels = Tensor.zeros(names.size(), 3, size, size);
        int each = 3 * size * size;
        for (int i = 0; i < names.size(); i++) {
            pictures.map(names.get(i).asText()).asFloatBuffer().get(pixels.data(), i * each, each);
        }
        return model.encodeImages(Tensors.toINDArray(pixels));
    }

    @ParameterizedTest
    @MethodSource("generated")
    void idsAndScoresAreThoseOfTransformers(Case each) {
        Blip2ForConditionalGeneration model = MODELS.get(each.json.path("model").asText());
        ImageEncoding images = encode(model, each.json.path("pictures"));
        GenerationConfig options = each.json.has("scores")
                ? each.options().toBuilder()
                        .set(GenerationOption.OUTPUT_SCORES, true)
                        .build()
                : each.options();
        if (each.isUnreachable()) {
            // Reference: a warning, and a text that is too short.
            assertThatThrownBy(() -> model.generate(images, each.ids("input_ids"), null, options))
                    .hasMessageStartingWith("minLength: expected at most the ");
            return;
        }
        GenerationResult result =
                model.generate(images, each.ids("input_ids"), each.ids("attention_mask"), options, hooks(each));
        if (each.isForcedFirst()) {
            // Reference: only after a prompt of one id, which OPT never has; here it is the first new token.
            int first = each.options().get(GenerationOption.FORCED_BOS_TOKEN_ID);
            assertThat(Arrays.stream(result.newTokens())).allMatch(row -> row[0] == first);
            return;
        }
        assertThat(result.sequences()).as("%s", each).isDeepEqualTo(each.ids("sequences"));
        JsonNode scores = each.json.path("sequences_scores");
        for (int row = 0; row < scores.size(); row++) {
            float expected = scores.get(row).floatValue();
            // A length penalty below 0 multiplies sums, and their errors, by the length.
            assertThat(result.details().sequenceScores()[row])
                    .isCloseTo(expected, within(SCORE * Math.max(1, Math.abs(expected))));
        }
        assertBeams(result, each.json);
        assertStepScores(result, each);
    }

    /** Scores of a step stand in the reference at the row that the token was appended to; here with the sequence. */
    private static void assertStepScores(GenerationResult result, Case each) {
        JsonNode steps = each.json.path("scores");
        if (steps.isMissingNode() || result.details().scores() == null) {
            assertThat(steps.isMissingNode()).as("scores were asked for").isTrue();
            return;
        }
        float[][][] scores = result.details().scores();
        int[][] beams = result.details().beamIndices();
        for (int row = 0; row < scores.length; row++) {
            for (int step = 0; step < scores[row].length; step++) {
                int at = beams == null ? row : beams[row][step];
                assertScores(scores[row][step], steps.get(step).get(at), SCORE);
            }
        }
    }

    private static GenerationHooks hooks(Case each) {
        JsonNode name = each.json.path("arguments").path("assistant");
        if (name.isMissingNode()) {
            return each.hooks();
        }
        Blip2ForConditionalGeneration assistant = MODELS.get(name.asText());
        ImageEncoding images = encode(assistant, each.json.path("pictures"));
        return each.hooks()
                .withAssistant(assistant.asAssistant(images, each.ids("input_ids"), each.ids("attention_mask")));
    }

    private static void assertBeams(GenerationResult result, JsonNode json) {
        JsonNode expected = json.path("beam_indices");
        for (int row = 0; row < expected.size(); row++) {
            int[] beams = result.details().beamIndices()[row];
            for (int i = 0; i < expected.get(row).size(); i++) {
                assertThat(i < beams.length ? beams[i] : -1)
                        .as("beam of token %d of row %d", i, row)
                        .isEqualTo(expected.get(row).get(i).intValue());
            }
        }
    }

    static List<Case> scored() throws IOException {
        return cases("score.jsonl");
    }

    @ParameterizedTest
    @MethodSource("scored")
    void candidatesAreAsProbableAsAFullPassSays(Case each) {
        Blip2ForConditionalGeneration model = MODELS.get(each.json.path("model").asText());
        ImageEncoding image = encode(model, each.json.path("pictures"));
        float[][] scores =
                model.score(image, each.ids("input_ids"), each.ids("attention_mask"), each.ids("candidates"));
        JsonNode expected = each.json.path("token_log_probs");
        assertThat(scores).hasNumberOfRows(expected.size());
        for (int candidate = 0; candidate < scores.length; candidate++) {
            assertThat(scores[candidate]).hasSize(expected.get(candidate).size());
            for (int i = 0; i < scores[candidate].length; i++) {
                assertThat(scores[candidate][i])
                        .as("token %d of candidate %d", i, candidate)
                        .isCloseTo(expected.get(candidate).get(i).floatValue(), within(SCORE));
            }
        }
    }

    static List<Case> encoder() throws IOException {
        return cases("encoder.jsonl");
    }

    /** The reference ignores these options for BLIP-2; here they read the prompt's ids, as there for models of text. */
    @ParameterizedTest
    @MethodSource("encoder")
    void optionsThatReadThePromptDoSo(Case each) {
        Blip2ForConditionalGeneration model = MODELS.get(each.json.path("model").asText());
        ImageEncoding images = encode(model, each.json.path("pictures"));
        GenerationResult result =
                model.generate(images, each.ids("input_ids"), each.ids("attention_mask"), each.options());
        // The reference reads padding as words; rows without it are compared.
        long[][] mask = each.ids("attention_mask");
        int compared = 0;
        for (int row = 0; row < result.sequences().length; row++) {
            if (mask == null || Arrays.stream(mask[row]).allMatch(keep -> keep == 1)) {
                assertThat(result.sequences()[row]).as("%s row %d", each, row).isEqualTo(each.ids("sequences")[row]);
                compared++;
            }
        }
        assertThat(compared).isPositive();
    }

    static List<Case> sampled() throws IOException {
        return cases("sampled.jsonl");
    }

    /** Replays what the reference drew: the scores that it was drawn from are the same. */
    @ParameterizedTest
    @MethodSource("sampled")
    void drawnTokensComeFromTheScoresOfTransformers(Case each) {
        Blip2ForConditionalGeneration model = MODELS.get(each.json.path("model").asText());
        ImageEncoding images = encode(model, each.json.path("pictures"));
        long[][] sequences = each.ids("sequences");
        JsonNode steps = each.json.path("scores");
        int returned = sequences.length / images.batch();
        for (int row = 0; row < sequences.length; row++) {
            int prompt = row / returned;
            int prefix = sequences[row].length - steps.size();
            int[] drawn =
                    Arrays.stream(sequences[row]).mapToInt(Math::toIntExact).toArray();
            GenerationConfig options = each.options().toBuilder()
                    .set(GenerationOption.NUM_RETURN_SEQUENCES, null)
                    .set(GenerationOption.OUTPUT_LOGITS, true)
                    .build();
            GenerationHooks forced = GenerationHooks.NONE.withLogitsProcessor((hypothesis, scores) -> {
                float kept = scores[drawn[hypothesis.length()]];
                Arrays.fill(scores, Float.NEGATIVE_INFINITY);
                scores[drawn[hypothesis.length()]] = kept;
            });
            GenerationResult result = model.generate(
                    images.image(prompt),
                    row(each.ids("input_ids"), prompt),
                    row(each.ids("attention_mask"), prompt),
                    options,
                    forced);
            float[][] logits = result.details().logits()[0];
            LogitsProcessor processors = processors(each.options(), model.generationConfig(), logits[0].length, prefix);
            Hypothesis hypothesis = Hypothesis.of(0, Arrays.copyOf(drawn, prefix), new int[0]);
            for (int step = 0; step < logits.length; step++) {
                processors.begin(List.of(hypothesis));
                processors.process(hypothesis, logits[step]);
                assertScores(logits[step], steps.get(step).get(row), SCORE);
                hypothesis = hypothesis.extend(0, drawn[prefix + step], 0, 0, null);
            }
        }
    }

    private static long[][] row(long[][] rows, int row) {
        return rows == null ? null : new long[][] {rows[row]};
    }

    private static LogitsProcessor processors(
            GenerationConfig options, GenerationConfig defaults, int vocab, int prompt) {
        GenerationConfig all = options.orElse(defaults);
        int least = Math.max(all.get(GenerationOption.MIN_NEW_TOKENS), all.get(GenerationOption.MIN_LENGTH) - prompt);
        return LogitsProcessors.of(
                all,
                new LogitsProcessors.Context(
                        vocab, all.eosTokenIds(), least, 1000, null, List.of(), new CurrentTokens(), () -> null));
    }

    private static void assertScores(float[] actual, JsonNode expected, float bound) {
        assertThat(actual).hasSize(expected.size());
        for (int token = 0; token < actual.length; token++) {
            if (expected.get(token).isNull()) {
                assertThat(actual[token]).as("token %d", token).isEqualTo(Float.NEGATIVE_INFINITY);
            } else {
                float score = expected.get(token).floatValue();
                assertThat(actual[token])
                        .as("token %d", token)
                        .isCloseTo(score, within(bound * Math.max(1, Math.abs(score))));
            }
        }
    }

    static List<Case> sampling() throws IOException {
        return cases("sampling.jsonl");
    }

    @ParameterizedTest
    @MethodSource("sampling")
    void whatIsDrawnFromIsWhatTransformersDrawsFrom(Case each) {
        GenerationConfig defaults = MODELS.get("opt").generationConfig();
        JsonNode logits = each.json.path("logits");
        int prompt = each.json.path("prompt_length").asInt();
        for (int row = 0; row < logits.size(); row++) {
            float[] scores = JSON.convertValue(logits.get(row), float[].class);
            int[] ids = Arrays.stream(each.ids("input_ids")[row])
                    .mapToInt(Math::toIntExact)
                    .toArray();
            Hypothesis hypothesis = Hypothesis.of(row, Arrays.copyOf(ids, prompt), new int[0]);
            for (int i = prompt; i < ids.length; i++) {
                hypothesis = hypothesis.extend(row, ids[i], 0, 0, null);
            }
            LogitsProcessor processors = processors(each.options(), defaults, scores.length, prompt);
            processors.begin(List.of(hypothesis));
            processors.process(hypothesis, scores);
            assertScores(scores, each.json.path("processed").get(row), 1e-5f);
        }
    }

    static List<Case> stops() throws IOException {
        return cases("stops.jsonl");
    }

    /** The model knows tokens alone: what ends at a text needs the tokenizer. */
    @ParameterizedTest
    @MethodSource("stops")
    void textsEndATextWhereTheyDoInTransformers(Case each) throws IOException {
        String name = each.json.path("model").asText();
        Blip2ForConditionalGeneration model = MODELS.get(name);
        ImageEncoding images = encode(model, each.json.path("pictures"));
        List<String> texts = each.options().get(GenerationOption.STOP_STRINGS);
        GenerationConfig options = each.options().toBuilder()
                .set(GenerationOption.STOP_STRINGS, null)
                .build();
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(FOLDER.resolve(name))) {
            StopStrings stops = new StopStrings(tokenizer, texts);
            GenerationHooks hooks = GenerationHooks.NONE.withStoppingCriteria(hypothesis ->
                    stops.ended(hypothesis::id, hypothesis.length()) == null ? null : FinishReason.STOP_STRING);
            GenerationResult result =
                    model.generate(images, each.ids("input_ids"), each.ids("attention_mask"), options, hooks);
            assertThat(result.sequences()).as("%s", each).isDeepEqualTo(each.ids("sequences"));
        }
    }
}
