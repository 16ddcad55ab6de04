/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static io.github.blip2java.generation.TableState.log;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.blip2java.generation.search.BatchSearch;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.GreedySearch;
import io.github.blip2java.generation.search.Search;
import io.github.blip2java.generation.search.beam.BeamOptions;
import io.github.blip2java.generation.search.beam.BeamSearch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class BeamSearchTest {
    private static final int END = 4;
    private static final int VOCAB = 5;
    private static final float NO = Float.NEGATIVE_INFINITY;

    private static StoppingCriteria stopping(int maxNewTokens) {
        return StoppingCriteria.any(List.of(StoppingCriteria.eos(END), StoppingCriteria.maxNewTokens(maxNewTokens)));
    }

    private static Search search(int prompts, BeamOptions options) {
        return new BatchSearch(
                prompts, options.returned(), prompt -> new BeamSearch(options, stopping(options.maxNewTokens())));
    }

    private static BeamOptions options(int beams, int returned, double lengthPenalty, EarlyStopping early, int most) {
        return new BeamOptions(beams, returned, lengthPenalty, early, most, List.of(END));
    }

    private static List<String> texts(List<Hypothesis> found) {
        return found.stream()
                .map(each -> Arrays.toString(each.tokens()) + " " + each.finishReason())
                .toList();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, 2, -1, 0.5})
    void asManyBeamsAsThereAreSequencesFindTheBestOfAll(double lengthPenalty) {
        for (int seed = 0; seed < 20; seed++) {
            TableState.Table table = TableState.Table.random(seed, VOCAB, 1.5);
            List<AllSequences.Scored> all = AllSequences.best(table, VOCAB, END, 3, lengthPenalty);
            int beams = 84; // 4³ + 4² + 4 + 1 sequences are fewer, so that none is ever left out
            List<Hypothesis> found =
                    TableState.run(table, search(1, options(beams, 6, lengthPenalty, EarlyStopping.NEVER, 3)), 6, 0);
            for (int i = 0; i < 6; i++) {
                assertThat(found.get(i).tokens())
                        .as("seed %d, number %d", seed, i)
                        .containsExactly(all.get(i).tokens());
                assertThat(found.get(i).score()).isCloseTo(all.get(i).score(), within(1e-5));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(EarlyStopping.class)
    void oneBeamIsGreedySearchWithoutPreferenceOfLength(EarlyStopping early) {
        for (int seed = 0; seed < 50; seed++) {
            TableState.Table table = TableState.Table.random(seed, VOCAB, 2);
            List<Hypothesis> greedy = TableState.run(table, new GreedySearch(3, stopping(9)), 3, 0, 1, 2);
            List<Hypothesis> beam = TableState.run(table, search(3, options(1, 1, 0, early, 9)), 3, 0, 1, 2);
            assertThat(texts(beam)).isEqualTo(texts(greedy));
        }
    }

    /** Two beams: what is best at first (0) ends badly, what is second (1) ends well. */
    private static final TableState.Table GARDEN_PATH = (prompt, tokens) -> tokens.length == 0
            ? log(0.5, 0.4, 0.04, 0.03, 0.03)
            : tokens[0] == 0 ? log(0.3, 0.2, 0.2, 0.1, 0.2) : log(0.03, 0.03, 0.02, 0.02, 0.9);

    @Test
    void twoBeamsFindWhatGreedySearchMisses() {
        List<Hypothesis> found = TableState.run(GARDEN_PATH, search(1, options(2, 2, 1, EarlyStopping.FALSE, 2)), 2, 0);
        assertThat(texts(found)).containsExactly("[1, 4] EOS", "[0, 0] LENGTH");
        assertThat(found.get(0).score()).isCloseTo(Math.log(0.4 * 0.9) / 2, within(1e-6));
        assertThat(found.get(1).score()).isCloseTo(Math.log(0.5 * 0.3) / 2, within(1e-6));
        assertThat(found.get(0).parentBeam()).isEqualTo(1);
    }

    /** The end is the third best at first and would be the best in the end. */
    @Test
    void onlyTheFirstContinuationsMayEnd() {
        TableState.Table table = (prompt, tokens) ->
                tokens.length == 0 ? log(0.4, 0.35, 0.02, 0.02, 0.21) : log(0.25, 0.25, 0.2, 0.2, 0.1);
        List<Hypothesis> found = TableState.run(table, search(1, options(2, 2, 0, EarlyStopping.NEVER, 2)), 2, 0);
        assertThat(texts(found)).containsExactly("[0, 0] LENGTH", "[0, 1] LENGTH");
        List<Hypothesis> three = TableState.run(table, search(1, options(3, 1, 0, EarlyStopping.NEVER, 2)), 1, 0);
        assertThat(texts(three)).containsExactly("[4] EOS");
    }

    /** A sequence of two tokens is there; what goes on is worse now but can win by its length. */
    @Test
    void theThreeWaysToEnd() {
        TableState.Table table = (prompt, tokens) -> {
            if (tokens.length == 0) {
                return log(0.45, 0.005, 0.005, 0.005, 0.535);
            }
            return tokens.length == 5 ? log(0.001, 0.001, 0.001, 0.001, 0.996) : log(0.97, 0.01, 0.005, 0.005, 0.01);
        };
        // log 0.535 = −0.625 stands. After one token log 0.45 / 1 = −0.799 is worse: FALSE ends there; in six tokens
        // (log 0.45 + 4 log 0.97 + log 0.996) / 6 = −0.154 is better.
        List<String> texts = new ArrayList<>();
        for (EarlyStopping early : EarlyStopping.values()) {
            texts.addAll(texts(TableState.run(table, search(1, options(1, 1, 1, early, 8)), 1, 0)));
        }
        assertThat(texts).containsExactly("[4] EOS", "[4] EOS", "[0, 0, 0, 0, 0, 4] EOS");
    }

    @ParameterizedTest
    @EnumSource(EarlyStopping.class)
    void aBatchIsItsRowsAloneInAnyOrder(EarlyStopping early) {
        for (int seed = 0; seed < 30; seed++) {
            TableState.Table table = TableState.Table.random(seed, VOCAB, 2);
            BeamOptions options = options(3, 2, 0.7, early, 7);
            List<Hypothesis> batch = TableState.run(table, search(3, options), 6, 0, 1, 2);
            List<Hypothesis> permuted = TableState.run(table, search(3, options), 6, 2, 0, 1);
            List<Hypothesis> alone = new ArrayList<>();
            for (int prompt = 0; prompt < 3; prompt++) {
                alone.addAll(TableState.run(table, search(1, options), 2, prompt));
            }
            assertThat(texts(batch)).isEqualTo(texts(alone));
            assertThat(texts(permuted.subList(2, 6))).isEqualTo(texts(batch.subList(0, 4)));
            assertThat(texts(permuted.subList(0, 2))).isEqualTo(texts(batch.subList(4, 6)));
            assertThat(batch.stream().map(Hypothesis::score).toList())
                    .isEqualTo(alone.stream().map(Hypothesis::score).toList());
        }
    }

    @Test
    void severalEndTokensLeaveEnoughToGoOn() {
        BeamOptions options = new BeamOptions(2, 2, 1, EarlyStopping.FALSE, 3, List.of(2, 3, 4));
        TableState.Table table = (prompt, tokens) -> log(0.02, 0.02, 0.32, 0.32, 0.32);
        StoppingCriteria stopping =
                StoppingCriteria.any(List.of(StoppingCriteria.eos(2, 3, 4), StoppingCriteria.maxNewTokens(3)));
        List<Hypothesis> found = TableState.run(table, new BeamSearch(options, stopping), 2, 0);
        assertThat(texts(found)).containsExactly("[2] EOS", "[3] EOS");
    }

    /** As the reference: beams that hardly count are there too, and repeat what is allowed. */
    @Test
    void whereOnlyOneSequenceIsAllowedTheOthersScoreNextToNothing() {
        LogitsProcessor only = (hypothesis, scores) -> {
            int allowed = hypothesis.newTokens() == 0 ? 1 : END;
            for (int token = 0; token < scores.length; token++) {
                scores[token] = token == allowed ? scores[token] : NO;
            }
        };
        List<Hypothesis> found = TableState.run(
                (prompt, tokens) -> log(0.2, 0.2, 0.2, 0.2, 0.2),
                search(1, options(3, 3, 1, EarlyStopping.FALSE, 5)),
                3,
                only,
                0);
        assertThat(texts(found)).containsExactly("[1, 4] EOS", "[1, 4] EOS", "[1, 4] EOS");
        assertThat(found.get(0).score()).isCloseTo(Math.log(0.2), within(1e-6));
        assertThat(found.get(1).score()).isEqualTo(-5e8);
    }

    @Test
    void whereNothingIsAllowedTheSequencesAreEmpty() {
        LogitsProcessor nothing = (hypothesis, scores) -> Arrays.fill(scores, NO);
        List<Hypothesis> found = TableState.run(
                (prompt, tokens) -> log(0.2, 0.2, 0.2, 0.2, 0.2),
                search(1, options(2, 2, 1, EarlyStopping.FALSE, 5)),
                2,
                nothing,
                0);
        assertThat(texts(found)).containsExactly("[] STOPPED", "[] STOPPED");
        assertThat(found.get(0).score()).isEqualTo(-1e9);
    }

    @Test
    void whatAllBeamsBeginWithIsStreamedAtOnce() {
        // The first token is beyond doubt, and then two beams differ until the end.
        TableState.Table table = (prompt, tokens) -> switch (tokens.length) {
            case 0 -> log(0.99, 0.004, 0.003, 0.002, 0.001);
            case 1 -> log(0.01, 0.5, 0.4, 0.05, 0.04);
            case 2 -> log(0.01, 0.01, 0.01, 0.96, 0.01);
            default -> log(0.01, 0.01, 0.01, 0.01, 0.96);
        };
        List<String> told = new ArrayList<>();
        List<Hypothesis> found = new DecodingLoop(
                        search(1, options(2, 1, 1, EarlyStopping.TRUE, 9)),
                        1,
                        (hypothesis, scores) -> {},
                        Frontier.Kept.NOTHING,
                        (sequence, tokens) -> told.add(Arrays.toString(tokens)),
                        new Cancellation())
                .run(new TableState(table, 0), List.of(Hypothesis.of(0, new int[] {0}, new int[0])));
        assertThat(texts(found)).containsExactly("[0, 1, 3, 4] EOS");
        assertThat(told).containsExactly("[0]", "[1, 3, 4]");
    }

    @Test
    void morePerPromptThanBeamsAreRefused() {
        assertThatThrownBy(() -> options(2, 3, 1, EarlyStopping.FALSE, 5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("num_return_sequences: expected 1 to num_beams, 2, got 3; raise num_beams");
    }
}
