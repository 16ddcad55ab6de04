/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.generation.assisted.AssistedCandidateGenerator;
import io.github.blip2java.generation.assisted.AssistedDecoding;
import io.github.blip2java.generation.assisted.CandidateGenerator;
import io.github.blip2java.generation.assisted.PromptLookupCandidateGenerator;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.GreedySearch;
import io.github.blip2java.generation.search.SamplingSearch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AssistedDecodingTest {
    private static final int END = 5;
    private static final LogitsProcessor NONE = (hypothesis, scores) -> {};

    private static StoppingCriteria stopping(int maxNewTokens) {
        return StoppingCriteria.any(List.of(StoppingCriteria.eos(END), StoppingCriteria.maxNewTokens(maxNewTokens)));
    }

    private static AssistedCandidateGenerator assistant(TableState.Table table, int numTokens, RandomGenerator random) {
        return new AssistedCandidateGenerator(
                new TableState(table, 0),
                new AssistedCandidateGenerator.Options(numTokens, false, 0, List.of(END)),
                NONE,
                random);
    }

    private static AssistedDecoding decoding(CandidateGenerator generator, int most, RandomGenerator random) {
        return new AssistedDecoding(
                generator, most, NONE, stopping(most), random, new Frontier.Kept(true, false, false, false));
    }

    private static Hypothesis prompt(int... ids) {
        return Hypothesis.of(0, ids, new int[0]);
    }

    private static Hypothesis run(AssistedDecoding decoding, TableState state) {
        return decoding.run(state, prompt(0), (sequence, tokens) -> {}, new Cancellation());
    }

    private static Hypothesis greedy(TableState.Table table, int most) {
        return new DecodingLoop(
                        new GreedySearch(1, stopping(most)),
                        1,
                        NONE,
                        new Frontier.Kept(true, false, false, false),
                        (sequence, tokens) -> {},
                        new Cancellation())
                .run(new TableState(table, 0), List.of(prompt(0)))
                .get(0);
    }

    private static List<Float> logProbabilities(Hypothesis last) {
        List<Float> found = new ArrayList<>();
        for (Hypothesis each = last; each.newTokens() > 0; each = each.parent()) {
            found.add(each.logProbability());
        }
        return found;
    }

    /** By its own model, by one that is often wrong, and by what was written before. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void guessesChangeNothingButTheNumberOfPasses(int numTokens) {
        for (int seed = 0; seed < 40; seed++) {
            TableState.Table table = TableState.Table.random(seed, 6, 2);
            TableState.Table near = near(table, seed);
            Hypothesis expected = greedy(table, 12);
            int tokens = expected.newTokens();
            List<CandidateGenerator> generators = List.of(
                    assistant(table, numTokens, null),
                    assistant(near, numTokens, null),
                    new PromptLookupCandidateGenerator(numTokens, 2, END));
            for (CandidateGenerator generator : generators) {
                TableState state = new TableState(table, 0);
                Hypothesis found = run(decoding(generator, 12, null), state);
                assertThat(found.tokens()).containsExactly(expected.tokens());
                assertThat(found.finishReason()).isEqualTo(expected.finishReason());
                assertThat(logProbabilities(found)).isEqualTo(logProbabilities(expected));
                assertThat(state.passes.size()).isLessThanOrEqualTo(tokens);
                if (generator == generators.get(0)) {
                    // Each pass gives as many tokens as were guessed and one more.
                    assertThat(state.passes).hasSizeLessThanOrEqualTo((tokens + numTokens) / (numTokens + 1) + 1);
                }
            }
        }
    }

    /** A table that says the same as another, two times of three. */
    private static TableState.Table near(TableState.Table table, int seed) {
        TableState.Table other = TableState.Table.random(seed + 1000, 6, 2);
        return (prompt, tokens) ->
                Arrays.hashCode(tokens) % 3 == 0 ? other.logits(prompt, tokens) : table.logits(prompt, tokens);
    }

    @Test
    void whatWasWrittenBeforeIsGuessedAgain() {
        Hypothesis sequence = prompt(7, 8, 9, 1, 2, 7, 8);
        assertThat(new PromptLookupCandidateGenerator(3, 2, END)
                        .candidates(sequence, 9)
                        .tokens())
                .containsExactly(9, 1, 2);
        assertThat(new PromptLookupCandidateGenerator(10, 2, END)
                        .candidates(sequence, 9)
                        .tokens())
                .containsExactly(9, 1, 2, 7, 8);
        assertThat(new PromptLookupCandidateGenerator(10, 2, END)
                        .candidates(sequence, 1)
                        .tokens())
                .containsExactly(9);
        assertThat(new PromptLookupCandidateGenerator(10, 2, 1)
                        .candidates(sequence, 9)
                        .tokens())
                .containsExactly(9);
        // The longest run that occurs counts, and of its places the first.
        assertThat(new PromptLookupCandidateGenerator(1, 2, END)
                        .candidates(prompt(8, 3, 7, 8, 4, 7, 8, 6, 7, 8), 9)
                        .tokens())
                .containsExactly(4);
        assertThat(new PromptLookupCandidateGenerator(1, 1, END)
                        .candidates(prompt(8, 3, 7, 8), 9)
                        .tokens())
                .containsExactly(3);
        assertThat(new PromptLookupCandidateGenerator(1, 2, END)
                        .candidates(prompt(1, 2, 3), 9)
                        .tokens())
                .isEmpty();
    }

    /** The assistant guesses one thing, the model says another: all the same the model's probabilities decide. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void drawnTokensAreDistributedAsTheModelSays(boolean drawnGuesses) {
        TableState.Table table = TableState.Table.random(11, 4, 0.8);
        TableState.Table other = TableState.Table.random(12, 4, 0.8);
        int draws = 20_000;
        RandomGenerator[] random = SamplingSearch.generators(5, 2 * draws);
        Map<String, Integer> seen = new HashMap<>();
        for (int i = 0; i < draws; i++) {
            CandidateGenerator generator = assistant(other, 2, drawnGuesses ? random[2 * i] : null);
            Hypothesis found = run(decoding(generator, 3, random[2 * i + 1]), new TableState(table, 0));
            seen.merge(Arrays.toString(found.tokens()), 1, Integer::sum);
        }
        double chiSquare = 0;
        int cells = 0;
        for (AllSequences.Scored each : AllSequences.best(table, 4, END, 3, 0)) {
            double mean = Math.exp(each.score()) * draws;
            assertThat(mean).isGreaterThan(5);
            chiSquare += Math.pow(seen.getOrDefault(Arrays.toString(each.tokens()), 0) - mean, 2) / mean;
            cells++;
        }
        // The quantile of 63 degrees of freedom at p = 1e-4.
        assertThat(cells).isEqualTo(64);
        assertThat(chiSquare).isLessThan(113.50);
    }

    /** The rule holds in the middle of a pass, where the reference would look only at its end. */
    @Test
    void aStoppingRuleHoldsForEachToken() {
        TableState.Table table = (prompt, tokens) -> {
            float[] logits = new float[6];
            logits[tokens.length % 5] = 9;
            return logits;
        };
        StoppingCriteria two = hypothesis -> hypothesis.lastToken() == 2 ? FinishReason.STOP_STRING : null;
        AssistedDecoding decoding =
                new AssistedDecoding(assistant(table, 9, null), 20, NONE, two, null, Frontier.Kept.NOTHING);
        Hypothesis found = run(decoding, new TableState(table, 0));
        assertThat(found.tokens()).containsExactly(0, 1, 2);
        assertThat(found.finishReason()).isEqualTo(FinishReason.STOP_STRING);
    }

    @Test
    void whatIsCancelledIsABeginning() {
        TableState.Table table = TableState.Table.random(3, 5, 2); // without an end token
        Cancellation cancellation = new Cancellation();
        List<Long> told = new ArrayList<>();
        Hypothesis found = decoding(assistant(table, 2, null), 30, null)
                .run(
                        new TableState(table, 0),
                        prompt(0),
                        (sequence, tokens) -> {
                            Arrays.stream(tokens).forEach(told::add);
                            if (told.size() >= 4) {
                                cancellation.cancel();
                            }
                        },
                        cancellation);
        assertThat(found.finishReason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(Arrays.stream(found.tokens()).asLongStream().boxed().toList())
                .isEqualTo(told);
        assertThat(greedy(table, 30).tokens()).startsWith(found.tokens());
        assertThat(told.size()).isBetween(4, 6);
    }

    @Test
    void theNumberOfGuessesFollowsHowGoodTheyWere() {
        TableState.Table table = TableState.Table.random(3, 5, 2);
        AssistedCandidateGenerator generator = new AssistedCandidateGenerator(
                new TableState(table, 0), new AssistedCandidateGenerator.Options(2, true, 0, List.of(END)), NONE, null);
        Hypothesis sequence = prompt(0);
        assertThat(generator.candidates(sequence, 99).tokens()).hasSize(2);
        generator.update(2, 2);
        sequence = sequence.extend(0, 1, 0, 0, null);
        assertThat(generator.candidates(sequence, 99).tokens()).hasSize(4);
        generator.update(4, 3);
        sequence = sequence.extend(0, 2, 0, 0, null);
        assertThat(generator.candidates(sequence, 99).tokens()).hasSize(3);
        sequence = sequence.extend(0, 3, 0, 0, null);
        assertThat(generator.candidates(sequence, 1).tokens()).hasSize(1);
    }

    @Test
    void anUnsureGuessIsTheLast() {
        TableState.Table table = (prompt, tokens) ->
                tokens.length < 2 ? TableState.log(0.9, 0.05, 0.05) : TableState.log(0.3, 0.35, 0.35);
        AssistedCandidateGenerator generator = new AssistedCandidateGenerator(
                new TableState(table, 0),
                new AssistedCandidateGenerator.Options(9, false, 0.4, List.of(END)),
                NONE,
                null);
        assertThat(generator.candidates(prompt(0), 99).tokens()).containsExactly(0, 0, 1);
    }

    @Test
    void whatHappensInsideTheModelIsNotKept() {
        assertThatThrownBy(() -> new AssistedDecoding(
                        assistant((prompt, tokens) -> null, 2, null),
                        9,
                        NONE,
                        stopping(9),
                        null,
                        new Frontier.Kept(false, false, false, true)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "output_hidden_states, output_attentions: expected false where several tokens are decoded at"
                                + " once, got true; leave out the assistant or prompt_lookup_num_tokens");
    }
}
