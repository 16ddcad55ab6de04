/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static io.github.blip2java.generation.TableState.log;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.blip2java.generation.logits.HammingDiversityLogitsProcessor;
import io.github.blip2java.generation.search.BatchSearch;
import io.github.blip2java.generation.search.beam.BeamOptions;
import io.github.blip2java.generation.search.beam.CurrentTokens;
import io.github.blip2java.generation.search.beam.GroupBeamSearch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GroupBeamSearchTest {
    private static final int END = 4;

    private static StoppingCriteria stopping(int maxNewTokens) {
        return StoppingCriteria.any(List.of(StoppingCriteria.eos(END), StoppingCriteria.maxNewTokens(maxNewTokens)));
    }

    private static List<Hypothesis> search(
            TableState.Table table, BeamOptions options, int groups, int pad, double penalty, int... prompts) {
        CurrentTokens tokens = new CurrentTokens();
        BatchSearch search = new BatchSearch(
                prompts.length,
                options.returned(),
                prompt -> new GroupBeamSearch(options, groups, pad, tokens, stopping(options.maxNewTokens())));
        LogitsProcessor diversity = new HammingDiversityLogitsProcessor(penalty, tokens);
        return TableState.run(table, search, prompts.length * options.returned(), diversity, prompts);
    }

    private static BeamOptions options(int beams, int returned, EarlyStopping early, int most) {
        return new BeamOptions(beams, returned, 1, early, most, List.of(END));
    }

    private static List<String> texts(List<Hypothesis> found) {
        return found.stream()
                .map(each -> Arrays.toString(each.tokens()) + " " + each.finishReason())
                .toList();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, -1})
    void oneGroupOfAsManyBeamsAsThereAreSequencesFindsTheBestOfAll(double lengthPenalty) {
        for (int seed = 0; seed < 20; seed++) {
            TableState.Table table = TableState.Table.random(seed, 5, 1.5);
            List<AllSequences.Scored> all = AllSequences.best(table, 5, END, 3, lengthPenalty);
            BeamOptions options = new BeamOptions(84, 6, lengthPenalty, EarlyStopping.NEVER, 3, List.of(END));
            List<Hypothesis> found = search(table, options, 1, 0, 1, 0);
            for (int i = 0; i < 6; i++) {
                assertThat(found.get(i).tokens()).containsExactly(all.get(i).tokens());
                assertThat(found.get(i).score()).isCloseTo(all.get(i).score(), within(1e-5));
            }
        }
    }

    /** The second group takes the best token too, unless it costs more than the distance to the next. */
    @Test
    void aPenaltyMakesTheSecondGroupTakeTheNextToken() {
        TableState.Table table = (prompt, tokens) -> log(0.4, 0.3, 0.2, 0.05, 0.05);
        BeamOptions options = options(2, 2, EarlyStopping.FALSE, 1);
        assertThat(texts(search(table, options, 2, 0, 0.28, 0))).containsExactly("[0] LENGTH", "[0] LENGTH");
        List<Hypothesis> far = search(table, options, 2, 0, 0.29, 0); // log 0.4 − log 0.3 = 0.288
        assertThat(texts(far)).containsExactly("[0] LENGTH", "[1] LENGTH");
        assertThat(far.get(0).score()).isCloseTo(Math.log(0.4), within(1e-6));
        assertThat(far.get(1).score()).isCloseTo(Math.log(0.3), within(1e-6));
        BeamOptions three = options(3, 3, EarlyStopping.FALSE, 1);
        // The third group finds both taken once: log 0.4 − 0.29 is −1.206, log 0.3 − 0.29 is −1.494, log 0.2 is −1.609.
        assertThat(texts(search(table, three, 3, 0, 0.29, 0)))
                .containsExactly("[0] LENGTH", "[1] LENGTH", "[0] LENGTH");
        // log 0.4 − 0.72 is −1.636.
        assertThat(texts(search(table, three, 3, 0, 0.72, 0)))
                .containsExactly("[0] LENGTH", "[1] LENGTH", "[2] LENGTH");
    }

    /** The first group has ended after two tokens; then it counts as if it took the padding token. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void aGroupThatIsDoneKeepsLaterOnesFromThePaddingToken(int pad) {
        TableState.Table table = (prompt, tokens) -> {
            if (tokens.length == 0) {
                return log(0.5, 0.4, 0.04, 0.03, 0.03);
            }
            if (tokens[0] == 0) {
                return log(0.02, 0.02, 0.05, 0.01, 0.9);
            }
            return tokens.length == 1 ? log(0.01, 0.01, 0.5, 0.43, 0.05) : log(0.39, 0.001, 0.598, 0.001, 0.01);
        };
        List<Hypothesis> found = search(table, options(2, 2, EarlyStopping.TRUE, 3), 2, pad, 1, 0);
        assertThat(texts(found)).containsExactly("[0, 4] EOS", pad == 2 ? "[1, 3, 0] LENGTH" : "[1, 3, 2] LENGTH");
    }

    @ParameterizedTest
    @EnumSource(EarlyStopping.class)
    void aBatchIsItsRowsAloneInAnyOrder(EarlyStopping early) {
        for (int seed = 0; seed < 20; seed++) {
            TableState.Table table = TableState.Table.random(seed, 5, 2);
            BeamOptions options = options(6, 3, early, 7);
            List<Hypothesis> batch = search(table, options, 3, 0, 0.7, 0, 1, 2);
            List<Hypothesis> permuted = search(table, options, 3, 0, 0.7, 2, 0, 1);
            List<Hypothesis> alone = new ArrayList<>();
            for (int prompt = 0; prompt < 3; prompt++) {
                alone.addAll(search(table, options, 3, 0, 0.7, prompt));
            }
            assertThat(texts(batch)).isEqualTo(texts(alone));
            assertThat(texts(permuted.subList(3, 9))).isEqualTo(texts(batch.subList(0, 6)));
            assertThat(texts(permuted.subList(0, 3))).isEqualTo(texts(batch.subList(6, 9)));
        }
    }

    /** As the reference, whichever end token ended it. */
    @Test
    void theFirstEndTokenIsWritten() {
        TableState.Table table = (prompt, tokens) -> log(0.1, 0.1, 0.1, 0.6, 0.1);
        BeamOptions options = new BeamOptions(2, 1, 1, EarlyStopping.FALSE, 5, List.of(END, 3));
        List<Hypothesis> found = search(table, options, 2, 0, 1, 0);
        assertThat(texts(found)).containsExactly("[4] EOS");
        assertThat(found.get(0).score()).isCloseTo(Math.log(0.6), within(1e-6));
    }

    @Test
    void aBeamThatMeetsAnotherRuleEndsAndTheOthersGoOn() {
        TableState.Table table = (prompt, tokens) -> log(0.5, 0.35, 0.05, 0.05, 0.05);
        StoppingCriteria stopping = StoppingCriteria.any(
                List.of(hypothesis -> hypothesis.lastToken() == 1 ? FinishReason.STOPPED : null, stopping(3)));
        BeamOptions options = options(2, 2, EarlyStopping.FALSE, 3);
        List<Hypothesis> found =
                TableState.run(table, new GroupBeamSearch(options, 1, 0, new CurrentTokens(), stopping), 2, 0);
        assertThat(texts(found)).containsExactly("[0, 0, 0] LENGTH", "[0, 0, 1] STOPPED");
    }

    @Test
    void beamsThatCannotBeDividedAreRefused() {
        assertThatThrownBy(() -> search((prompt, tokens) -> null, options(5, 1, EarlyStopping.FALSE, 5), 2, 0, 1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("num_beam_groups: expected a number that divides num_beams, 5, got 2;"
                        + " choose another number of either");
    }
}
