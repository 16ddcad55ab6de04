/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationOption;
import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.PrefixAllowedTokens;
import io.github.blip2java.generation.WatermarkingConfig;
import io.github.blip2java.generation.search.beam.CurrentTokens;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.DecoderPass;
import io.github.blip2java.language.DecoderState;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Scores against those of the reference, which src/test/python/logits_reference.py writes. */
class LogitsProcessorsReferenceTest {
    private static final float TOLERANCE = 1e-5f;

    private static JsonNode file(String name) throws IOException {
        return new ObjectMapper().readTree(LogitsProcessorsReferenceTest.class.getResourceAsStream("/logits/" + name));
    }

    @TestFactory
    Stream<DynamicTest> optionsMakeTheReferencesScores() throws IOException {
        JsonNode file = file("processors.json");
        assertThat(file.get("cases").size()).isGreaterThan(60);
        return StreamSupport.stream(file.get("cases").spliterator(), false)
                .map(each -> DynamicTest.dynamicTest(each.get("name").asText(), () -> check(file, each)));
    }

    private static void check(JsonNode file, JsonNode test) {
        int vocabulary = file.get("vocabulary").asInt();
        int prefix = file.get("prefix").asInt();
        GenerationConfig options = GenerationConfig.fromJson(test.get("options").toString());
        PrefixAllowedTokens allowed = each -> IntStream.range(0, 5)
                .map(i -> (each.lastToken() * 3 + each.prompt() + i * 7) % vocabulary)
                .toArray();
        LogitsProcessors.Context context = new LogitsProcessors.Context(
                vocabulary,
                options.eosTokenIds(),
                options.get(GenerationOption.MIN_NEW_TOKENS),
                options.maxNewTokens() == null ? 20 : options.maxNewTokens(),
                test.get("name").asText().startsWith("prefix") ? allowed : null,
                List.of(),
                new CurrentTokens(),
                null);
        LogitsProcessorList processors = LogitsProcessors.of(options, context);
        for (JsonNode row : test.get("rows")) {
            int[] ids = ints(row.get("ids"));
            float[] scores = floats(row.get("scores"));
            int[] prompt = Arrays.copyOfRange(ids, prefix - file.get("prompt").asInt(), prefix);
            Hypothesis hypothesis = hypothesis(row.get("prompt").asInt(), ids, prefix, prompt);
            processors.begin(List.of(hypothesis));
            processors.process(hypothesis, scores);
            assertClose(scores, floats(row.get("expected")), "after " + Arrays.toString(ids));
        }
    }

    static Hypothesis hypothesis(int prompt, int[] ids, int prefix, int... promptIds) {
        Hypothesis hypothesis = Hypothesis.of(prompt, Arrays.copyOf(ids, prefix), promptIds);
        for (int i = prefix; i < ids.length; i++) {
            hypothesis = hypothesis.extend(0, ids[i], 0, 0, null);
        }
        return hypothesis;
    }

    private static void assertClose(float[] scores, float[] expected, String what) {
        assertThat(scores).hasSameSizeAs(expected);
        for (int id = 0; id < scores.length; id++) {
            boolean same = Float.isInfinite(expected[id]) || Math.abs(expected[id]) > 1e30
                    ? scores[id] == expected[id] || Math.abs(scores[id] / expected[id] - 1) < TOLERANCE
                    : Math.abs(scores[id] - expected[id]) <= TOLERANCE;
            assertThat(same)
                    .as("score %d %s: %s, reference %s", id, what, scores[id], expected[id])
                    .isTrue();
        }
    }

    private static int[] ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray();
    }

    private static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            JsonNode value = array.get(i);
            values[i] = value.isNull() ? Float.NEGATIVE_INFINITY : Float.parseFloat(value.asText());
        }
        return values;
    }

    @Test
    void guidanceMovesAwayFromTheOtherPrompt() throws IOException {
        for (JsonNode test : file("guidance.json").get("cases")) {
            int prefix = test.get("prefix").asInt();
            int rows = test.get("ids").size();
            ScriptedState state = new ScriptedState(test.get("unconditional"), rows);
            UnbatchedClassifierFreeGuidanceLogitsProcessor processor =
                    new UnbatchedClassifierFreeGuidanceLogitsProcessor(
                            test.get("scale").asDouble(), () -> state);
            Hypothesis[] hypotheses = new Hypothesis[rows];
            for (int row = 0; row < rows; row++) {
                int[] ids = ints(test.get("ids").get(row));
                hypotheses[row] = hypothesis(row, Arrays.copyOf(ids, prefix), prefix);
            }
            // The rows change places at each step: row of the frontier → sequence.
            int[] order = IntStream.range(0, rows).toArray();
            for (int step = 0; step < test.get("scores").size(); step++) {
                List<Hypothesis> frontier =
                        Arrays.stream(order).mapToObj(each -> hypotheses[each]).toList();
                processor.begin(frontier);
                for (int sequence : order) {
                    float[] scores = floats(test.get("scores").get(step).get(sequence));
                    processor.process(hypotheses[sequence], scores);
                    assertClose(
                            scores,
                            floats(test.get("expected").get(step).get(sequence)),
                            "sequence " + sequence + ", step " + step);
                }
                for (int row = 0; row < rows; row++) {
                    int[] ids = ints(test.get("ids").get(order[row]));
                    hypotheses[order[row]] = hypotheses[order[row]].extend(row, ids[prefix + step], 0, 0, null);
                }
                order = IntStream.range(0, rows)
                        .map(row -> (row * 2 + 1) % rows)
                        .toArray();
            }
        }
    }

    /** Answers with prepared logits, and keeps count of which row is which sequence. */
    private static final class ScriptedState implements DecoderState {
        private final JsonNode script;
        private int[] sequences;
        private int step;

        ScriptedState(JsonNode script, int rows) {
            this.script = script;
            this.sequences = IntStream.range(0, rows).toArray();
        }

        @Override
        public Tensor logits() {
            int vocabulary = script.get(0).get(0).size();
            Tensor logits = Tensor.zeros(sequences.length, vocabulary);
            for (int row = 0; row < sequences.length; row++) {
                System.arraycopy(
                        floats(script.get(step).get(sequences[row])), 0, logits.data(), row * vocabulary, vocabulary);
            }
            return logits;
        }

        @Override
        public Tensor advance(int[][] tokens) {
            assertThat(tokens).hasNumberOfRows(sequences.length);
            step++;
            return logits();
        }

        @Override
        public void select(int... rows) {
            sequences = Arrays.stream(rows).map(row -> sequences[row]).toArray();
        }

        @Override
        public DecoderPass pass(int row) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Tensor hidden(int row) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void advance(int... tokens) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void drop(int... counts) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void favoursTheIdsOfTheReferenceInLargeVocabularies() throws IOException {
        for (JsonNode test : file("watermark.json").get("favoured")) {
            float[] scores = new float[test.get("vocabulary").asInt()];
            new WatermarkLogitsProcessor(
                            new WatermarkingConfig(test.get("ratio").asDouble(), 1, 15485863, "lefthash", 1))
                    .process(hypothesis(0, new int[] {test.get("token").asInt()}, 1), scores);
            int[] favoured = IntStream.range(0, scores.length)
                    .filter(id -> scores[id] == 1)
                    .toArray();
            assertThat(favoured).hasSize(test.get("count").asInt()).startsWith(ints(test.get("least")));
            assertThat(Arrays.stream(favoured).asLongStream().sum())
                    .isEqualTo(test.get("sum").asLong());
        }
    }

    @Test
    void ordersAreThoseOfTorch() throws IOException {
        for (JsonNode test : file("watermark.json").get("orders")) {
            int n = test.get("n").asInt();
            int seed = (int) test.get("seed").asLong();
            int[] order = new MersenneTwister(seed).permutation(n, n);
            assertThat(order).startsWith(ints(test.get("first"))).endsWith(ints(test.get("last")));
            int some = n / 3;
            int[] among = IntStream.range(0, n)
                    .filter(number -> new MersenneTwister(seed).isAmong(number, n, some))
                    .toArray();
            assertThat(among).containsExactlyInAnyOrder(new MersenneTwister(seed).permutation(n, some));
        }
    }
}
