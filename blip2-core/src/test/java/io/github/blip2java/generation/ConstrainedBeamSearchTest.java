/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static io.github.blip2java.generation.TableState.log;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.blip2java.generation.search.BatchSearch;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.beam.BeamOptions;
import io.github.blip2java.generation.search.beam.ConstrainedBeamSearch;
import io.github.blip2java.generation.search.constraint.Constraint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ConstrainedBeamSearchTest {
    private static final int END = 4;

    private static final TableState.Table TABLE = (prompt, tokens) -> log(0.5, 0.3, 0.15, 0.01, 0.04);

    private static StoppingCriteria stopping(int maxNewTokens) {
        return StoppingCriteria.any(List.of(StoppingCriteria.eos(END), StoppingCriteria.maxNewTokens(maxNewTokens)));
    }

    private static ConstrainedBeamSearch search(BeamOptions options, List<List<List<Integer>>> words) {
        return new ConstrainedBeamSearch(
                options, words.stream().map(Constraint::of).toList(), stopping(options.maxNewTokens()));
    }

    private static BeamOptions options(int beams, int returned, EarlyStopping early, int most) {
        return new BeamOptions(beams, returned, 1, early, most, List.of(END));
    }

    private static List<String> texts(List<Hypothesis> found) {
        return found.stream()
                .map(each -> Arrays.toString(each.tokens()) + " " + each.finishReason())
                .toList();
    }

    @Test
    void asManyBeamsAsThereAreSequencesFindTheBestOfThoseWithTheWords() {
        for (int seed = 0; seed < 20; seed++) {
            TableState.Table table = TableState.Table.random(seed, 5, 1.5);
            List<int[]> all = AllSequences.best(table, 5, END, 3, 1).stream()
                    .map(AllSequences.Scored::tokens)
                    .filter(tokens -> IntStream.of(tokens).anyMatch(token -> token == 3)
                            && IntStream.of(tokens).anyMatch(token -> token == 1 || token == 2))
                    .toList();
            List<Hypothesis> found = TableState.run(
                    table,
                    search(
                            options(84, 4, EarlyStopping.NEVER, 3),
                            List.of(List.of(List.of(3)), List.of(List.of(1), List.of(2)))),
                    4,
                    0);
            for (int i = 0; i < 4; i++) {
                assertThat(found.get(i).tokens()).containsExactly(all.get(i));
            }
        }
    }

    @Test
    void anUnlikelyPhraseIsWritten() {
        List<Hypothesis> found = TableState.run(
                TABLE, search(options(2, 1, EarlyStopping.FALSE, 2), List.of(List.of(List.of(3, 3)))), 1, 0);
        assertThat(texts(found)).containsExactly("[3, 3] LENGTH");
        assertThat(found.get(0).score()).isCloseTo(Math.log(0.01), within(1e-5));
    }

    @Test
    void whatStandsInThePromptCounts() {
        Hypothesis prompt = Hypothesis.of(0, new int[] {2, 3, 3}, new int[0]);
        DecodingLoop loop = new DecodingLoop(
                search(options(2, 1, EarlyStopping.FALSE, 3), List.of(List.of(List.of(3, 3)))),
                1,
                (hypothesis, scores) -> {},
                Frontier.Kept.NOTHING,
                (sequence, tokens) -> {},
                new Cancellation());
        assertThat(texts(loop.run(new TableState(TABLE, 0), List.of(prompt)))).containsExactly("[0, 0, 0] LENGTH");
    }

    @Test
    void whereTheWordsDoNotFitInTheBestIsReturnedWithoutThem() {
        List<Hypothesis> found = TableState.run(
                TABLE, search(options(2, 2, EarlyStopping.FALSE, 1), List.of(List.of(List.of(3, 3)))), 2, 0);
        assertThat(texts(found)).containsExactly("[0] LENGTH", "[3] LENGTH");
    }

    @Test
    void anEndWithoutTheWordsIsNone() {
        TableState.Table table = (prompt, tokens) -> log(0.1, 0.1, 0.1, 0.1, 0.6);
        List<Hypothesis> found = TableState.run(
                table, search(options(2, 1, EarlyStopping.FALSE, 5), List.of(List.of(List.of(3)))), 1, 0);
        assertThat(texts(found)).containsExactly("[3, 4] EOS");
    }

    @Test
    void aBatchIsItsRowsAlone() {
        for (int seed = 0; seed < 20; seed++) {
            TableState.Table table = TableState.Table.random(seed, 5, 2);
            BeamOptions options = options(3, 2, EarlyStopping.FALSE, 7);
            List<List<List<Integer>>> words = List.of(List.of(List.of(3, 1)), List.of(List.of(2, 0), List.of(2, 2)));
            List<Hypothesis> batch =
                    TableState.run(table, new BatchSearch(3, 2, prompt -> search(options, words)), 6, 2, 0, 1);
            List<Hypothesis> alone = new ArrayList<>();
            for (int prompt : new int[] {2, 0, 1}) {
                alone.addAll(TableState.run(table, search(options, words), 2, prompt));
            }
            assertThat(texts(batch)).isEqualTo(texts(alone));
        }
    }
}
