/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationHooks;
import io.github.blip2java.generation.GenerationResult;
import io.github.blip2java.tensor.Tensor;
import io.github.blip2java.tensor.Tensors;
import io.github.blip2java.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
    private static final Set<String> OTHERS =
            Set.of("sampling.jsonl", "sampled.jsonl", "beam-sample.jsonl", "score.jsonl", "encoder.jsonl");

    private static final Map<String, Blip2ForConditionalGeneration> MODELS = new HashMap<>();
    private static SafetensorsFile pictures;

    @BeforeAll
    static void open() throws IOException {
        pictures = SafetensorsFile.open(FOLDER.resolve("pictures.safetensors"));
        for (String name : List.of("opt", "t5")) {
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
        GenerationResult result = model.generate(
                images, each.ids("input_ids"), each.ids("attention_mask"), each.options(), GenerationHooks.NONE);
        assertThat(result.sequences()).as("%s", each).isDeepEqualTo(each.ids("sequences"));
        JsonNode scores = each.json.path("sequences_scores");
        for (int row = 0; row < scores.size(); row++) {
            assertThat(result.details().sequenceScores()[row])
                    .isCloseTo(scores.get(row).floatValue(), within(SCORE));
        }
        assertBeams(result, each.json);
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
}
