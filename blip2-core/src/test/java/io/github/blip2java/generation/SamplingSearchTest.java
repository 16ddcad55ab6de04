/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.generation.search.BatchSearch;
import io.github.blip2java.generation.search.SamplingSearch;
import io.github.blip2java.generation.search.beam.BeamOptions;
import io.github.blip2java.generation.search.beam.BeamSearch;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class SamplingSearchTest {
    private static final int DRAWS = 20_000;

    private static final TableState.Table TABLE = TableState.Table.random(3, 6, 1.5);

    private static StoppingCriteria stopping(int maxNewTokens) {
        return StoppingCriteria.any(List.of(StoppingCriteria.eos(5), StoppingCriteria.maxNewTokens(maxNewTokens)));
    }

    private static List<int[]> sample(int each, long seed, int... prompts) {
        int results = prompts.length * each;
        SamplingSearch search = new SamplingSearch(prompts.length, each, stopping(6), seed);
        return TableState.run(TABLE, search, results, prompts).stream()
                .map(Hypothesis::tokens)
                .toList();
    }

    private static double[] softmax(float[] logits) {
        double[] probabilities = new double[logits.length];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        for (int i = 0; i < logits.length; i++) {
            probabilities[i] = Math.exp(logits[i]) / sum;
        }
        return probabilities;
    }

    /** Σ (seen − expected)² / expected. */
    private static double chiSquare(Map<String, Integer> seen, Map<String, Double> expected) {
        assertThat(expected.keySet()).containsAll(seen.keySet());
        double sum = 0;
        for (Map.Entry<String, Double> each : expected.entrySet()) {
            double mean = each.getValue() * DRAWS;
            assertThat(mean).as("draws expected of %s", each.getKey()).isGreaterThan(5);
            sum += Math.pow(seen.getOrDefault(each.getKey(), 0) - mean, 2) / mean;
        }
        return sum;
    }

    @Test
    void tokensComeAsOftenAsTheirProbabilitiesSay() {
        SamplingSearch search = new SamplingSearch(1, DRAWS, stopping(2), 42);
        LogitsProcessor warmer = (hypothesis, scores) -> {
            scores[0] = Float.NEGATIVE_INFINITY;
            for (int token = 1; token < scores.length; token++) {
                scores[token] /= 1.3f;
            }
        };
        Map<String, Integer> seen = new HashMap<>();
        TableState.run(TABLE, search, DRAWS, warmer, 0)
                .forEach(each -> seen.merge(Arrays.toString(each.tokens()), 1, Integer::sum));
        Map<String, Double> expected = new HashMap<>();
        float[] first = TABLE.logits(0, new int[0]);
        warmer.process(null, first);
        for (int token = 1; token < 6; token++) {
            double before = softmax(first)[token];
            if (token == 5) {
                expected.put("[5]", before);
                continue;
            }
            float[] second = TABLE.logits(0, new int[] {token});
            warmer.process(null, second);
            for (int next = 1; next < 6; next++) {
                expected.put("[" + token + ", " + next + "]", before * softmax(second)[next]);
            }
        }
        // The quantile of 20 degrees of freedom at p = 1e-4.
        assertThat(expected).hasSize(21);
        assertThat(chiSquare(seen, expected)).isLessThan(52.38);
    }

    /** Two beams draw four different tokens of six in turn; the first two of them end, by the limit, and the better one is returned. */
    @Test
    void beamsAreDrawnByTheirProbabilitiesAndNoneTwice() {
        double[] probabilities = softmax(TABLE.logits(0, new int[0]));
        BeamOptions options = new BeamOptions(2, 2, 1, EarlyStopping.FALSE, 1, List.of(5));
        RandomGenerator[] random = SamplingSearch.generators(7, DRAWS);
        int[] prompts = new int[DRAWS];
        BatchSearch search = new BatchSearch(DRAWS, 2, prompt -> new BeamSearch(options, stopping(1), random[prompt]));
        List<Hypothesis> found = TableState.run(TABLE, search, 2 * DRAWS, prompts);
        Map<String, Integer> seen = new HashMap<>();
        for (int i = 0; i < DRAWS; i++) {
            int better = found.get(2 * i).lastToken();
            int worse = found.get(2 * i + 1).lastToken();
            assertThat(probabilities[better]).isGreaterThan(probabilities[worse]);
            seen.merge(better + " " + worse, 1, Integer::sum);
        }
        Map<String, Double> expected = new HashMap<>();
        for (int one = 0; one < 6; one++) {
            for (int other = 0; other < 6; other++) {
                if (probabilities[one] > probabilities[other]) {
                    double both = probabilities[one] * probabilities[other];
                    expected.put(
                            one + " " + other, both / (1 - probabilities[one]) + both / (1 - probabilities[other]));
                }
            }
        }
        // The quantile of 14 degrees of freedom at p = 1e-4.
        assertThat(expected).hasSize(15);
        assertThat(chiSquare(seen, expected)).isLessThan(42.57);
    }

    @Test
    void theSameSeedGivesTheSameAndAnotherAnother() {
        assertThat(sample(8, 1, 0)).usingRecursiveComparison().isEqualTo(sample(8, 1, 0));
        assertThat(sample(8, 1, 0)).usingRecursiveComparison().isNotEqualTo(sample(8, 2, 0));
    }

    @Test
    void whatASequenceDrawsDependsOnNoOther() {
        List<int[]> all = sample(2, 9, 0, 1, 2);
        assertThat(all.subList(0, 2)).usingRecursiveComparison().isEqualTo(sample(2, 9, 0));
        assertThat(all.subList(0, 4)).usingRecursiveComparison().isEqualTo(sample(2, 9, 0, 1));
    }

    @Test
    void whereNothingIsAllowedNothingIsDrawn() {
        LogitsProcessor nothing = (hypothesis, scores) -> Arrays.fill(scores, Float.NEGATIVE_INFINITY);
        SamplingSearch search = new SamplingSearch(1, 1, stopping(6), 1);
        assertThatThrownBy(() -> TableState.run(TABLE, search, 1, nothing, 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("scores: expected a token that may follow, got none: the processors forbid all 6;"
                        + " allow more tokens");
    }

    /** As with top_k: two tokens are allowed where four continuations are looked at. */
    @Test
    void beamsThatAreDrawnMayHaveFewTokensToGoOnWith() {
        BeamOptions options = new BeamOptions(2, 2, 1, EarlyStopping.FALSE, 3, List.of(5));
        LogitsProcessor two = (hypothesis, scores) -> Arrays.fill(scores, 2, 6, Float.NEGATIVE_INFINITY);
        for (int seed = 0; seed < 50; seed++) {
            RandomGenerator random = SamplingSearch.generators(seed, 1)[0];
            List<Hypothesis> found = TableState.run(TABLE, new BeamSearch(options, stopping(3), random), 2, two, 0);
            for (Hypothesis each : found) {
                assertThat(each.tokens()).hasSize(3);
                assertThat(each.score()).isGreaterThan(-100);
            }
            assertThat(found.get(0).tokens()).isNotEqualTo(found.get(1).tokens());
        }
    }
}
