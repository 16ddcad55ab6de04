/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GreedySearchTest {
    private static final int END = 11;

    private static List<Continuation> search(FakeModel model, int rows, LogitsProcessor processor, int maxNewTokens) {
        int[][] prefix = new int[rows][3];
        return new GreedySearch()
                .decode(
                        model.start(FakeModel.prompt(new int[rows]), maxNewTokens),
                        prefix,
                        processor,
                        new StoppingCriteria(maxNewTokens, END, 10));
    }

    @Test
    void finishedRowsLeaveTheBatchAndTheOthersGoOn() {
        FakeModel model = FakeModel.unlimited(new int[] {1, 2, END}, new int[] {10}, new int[] {3, 4, 5, 6, 7, 8});
        List<Continuation> rows = search(model, 3, LogitsProcessor.NONE, 5);
        assertThat(rows)
                .containsExactly(
                        new Continuation(List.of(1, 2, END), FinishReason.EOS),
                        new Continuation(List.of(10), FinishReason.EOS),
                        new Continuation(List.of(3, 4, 5, 6, 7), FinishReason.LENGTH));
        assertThat(model.calls)
                .containsExactly(
                        "start 5",
                        "select [0, 2]",
                        "advance [1, 3]",
                        "advance [2, 4]",
                        "select [1]",
                        "advance [5]",
                        "advance [6]");
    }

    @Test
    void anEndTokenAtTheLimitIsAnEnd() {
        assertThat(search(FakeModel.unlimited(new int[] {1, END}), 1, LogitsProcessor.NONE, 2))
                .containsExactly(new Continuation(List.of(1, END), FinishReason.EOS));
    }

    @Test
    void processorsSeeAllIdsSoFarAndChangeACopy() {
        FakeModel model = FakeModel.unlimited(new int[] {4, 5, 6});
        List<String> seen = new ArrayList<>();
        LogitsProcessor second = (ids, length, scores) -> {
            seen.add(Arrays.toString(Arrays.copyOf(ids, length)));
            for (int token = 0; token < scores.length; token++) {
                scores[token] = scores[token] == 2 ? -9 : scores[token];
            }
        };
        FakeModel.State state = (FakeModel.State) model.start(FakeModel.prompt(1), 3);
        float[] raw = state.logits().data();
        List<Continuation> rows =
                new GreedySearch().decode(state, new int[][] {{7, 8}}, second, new StoppingCriteria(3));
        assertThat(rows).containsExactly(new Continuation(List.of(5, 6, 7), FinishReason.LENGTH));
        assertThat(seen).containsExactly("[7, 8]", "[7, 8, 5]", "[7, 8, 5, 6]");
        assertThat(raw[4]).isEqualTo(2);
    }

    @Test
    void theFirstOfEqualScoresIsTaken() {
        FakeModel model = FakeModel.unlimited(new int[] {4});
        FakeModel.State state = (FakeModel.State) model.start(FakeModel.prompt(1), 1);
        state.with(2, 2).with(9, 2);
        assertThat(new GreedySearch()
                        .decode(state, new int[1][1], LogitsProcessor.NONE, new StoppingCriteria(1))
                        .get(0)
                        .tokens())
                .containsExactly(2);
    }

    @Test
    void aHighLimitTakesNoMemoryByItself() {
        int[] tokens = new int[1001];
        Arrays.fill(tokens, 3);
        tokens[1000] = END;
        List<Continuation> rows = search(FakeModel.unlimited(tokens), 1, LogitsProcessor.NONE, Integer.MAX_VALUE);
        assertThat(rows.get(0).tokens()).hasSize(1001).endsWith(3, END);
        assertThat(rows.get(0).finishReason()).isEqualTo(FinishReason.EOS);
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void scoresThatAreNoNumbersEndTheSearch(float score) {
        FakeModel model = FakeModel.unlimited(new int[] {1}, new int[] {1});
        FakeModel.State state = (FakeModel.State) model.start(FakeModel.prompt(1, 1), 5);
        state.with(FakeModel.VOCAB + 7, score);
        for (LogitsProcessor processor : List.of(LogitsProcessor.NONE, LogitsProcessor.minNewTokens(1, 1, 7))) {
            assertThatThrownBy(
                            () -> new GreedySearch().decode(state, new int[2][1], processor, new StoppingCriteria(5)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(
                            "logits: expected finite numbers, got " + score + " for token 7; the weights overflow or"
                                    + " are damaged: run `blip2 verify`, or download the checkpoint again");
        }
    }
}
