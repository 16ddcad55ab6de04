/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.generation.logits.MinNewTokensLengthLogitsProcessor;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.GreedySearch;
import io.github.blip2java.language.DecoderState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GreedySearchTest {
    private static final int END = 11;

    private static final LogitsProcessor NONE = (hypothesis, scores) -> {};

    /** The new tokens of a row and why they end. */
    private record Continuation(List<Integer> tokens, FinishReason finishReason) {}

    private static List<Continuation> search(
            DecoderState state, int[][] prefix, LogitsProcessor processor, int maxNewTokens, int... eos) {
        StoppingCriteria stopping =
                StoppingCriteria.any(List.of(StoppingCriteria.eos(eos), StoppingCriteria.maxNewTokens(maxNewTokens)));
        List<Hypothesis> prompts = new ArrayList<>();
        for (int row = 0; row < prefix.length; row++) {
            prompts.add(Hypothesis.of(row, prefix[row], new int[0]));
        }
        return new DecodingLoop(
                        new GreedySearch(prefix.length, stopping),
                        prefix.length,
                        processor,
                        Frontier.Kept.NOTHING,
                        (sequence, tokens) -> {},
                        new Cancellation())
                .run(state, prompts).stream()
                        .map(row -> new Continuation(
                                Arrays.stream(row.tokens()).boxed().toList(), row.finishReason()))
                        .toList();
    }

    private static List<Continuation> search(FakeModel model, int rows, LogitsProcessor processor, int maxNewTokens) {
        DecoderState state = model.start(FakeModel.prompt(new int[rows]), maxNewTokens);
        return search(state, new int[rows][3], processor, maxNewTokens, END, 10);
    }

    @Test
    void finishedRowsLeaveTheBatchAndTheOthersGoOn() {
        FakeModel model = FakeModel.unlimited(new int[] {1, 2, END}, new int[] {10}, new int[] {3, 4, 5, 6, 7, 8});
        List<Continuation> rows = search(model, 3, NONE, 5);
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
        assertThat(search(FakeModel.unlimited(new int[] {1, END}), 1, NONE, 2))
                .containsExactly(new Continuation(List.of(1, END), FinishReason.EOS));
    }

    @Test
    void processorsSeeAllIdsSoFarAndChangeACopy() {
        FakeModel model = FakeModel.unlimited(new int[] {4, 5, 6});
        List<String> seen = new ArrayList<>();
        LogitsProcessor second = (hypothesis, scores) -> {
            seen.add(Arrays.toString(hypothesis.ids()));
            for (int token = 0; token < scores.length; token++) {
                scores[token] = scores[token] == 2 ? -9 : scores[token];
            }
        };
        FakeModel.State state = (FakeModel.State) model.start(FakeModel.prompt(1), 3);
        float[] raw = state.logits().data();
        List<Continuation> rows = search(state, new int[][] {{7, 8}}, second, 3);
        assertThat(rows).containsExactly(new Continuation(List.of(5, 6, 7), FinishReason.LENGTH));
        assertThat(seen).containsExactly("[7, 8]", "[7, 8, 5]", "[7, 8, 5, 6]");
        assertThat(raw[4]).isEqualTo(2);
    }

    @Test
    void theFirstOfEqualScoresIsTaken() {
        FakeModel model = FakeModel.unlimited(new int[] {4});
        FakeModel.State state = (FakeModel.State) model.start(FakeModel.prompt(1), 1);
        state.with(2, 2).with(9, 2);
        assertThat(search(state, new int[1][1], NONE, 1).get(0).tokens()).containsExactly(2);
    }

    @Test
    void aHighLimitTakesNoMemoryByItself() {
        int[] tokens = new int[1001];
        Arrays.fill(tokens, 3);
        tokens[1000] = END;
        List<Continuation> rows = search(FakeModel.unlimited(tokens), 1, NONE, Integer.MAX_VALUE);
        assertThat(rows.get(0).tokens()).hasSize(1001).endsWith(3, END);
        assertThat(rows.get(0).finishReason()).isEqualTo(FinishReason.EOS);
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void scoresThatAreNoNumbersEndTheSearch(float score) {
        FakeModel model = FakeModel.unlimited(new int[] {1}, new int[] {1});
        FakeModel.State state = (FakeModel.State) model.start(FakeModel.prompt(1, 1), 5);
        state.with(FakeModel.VOCAB + 7, score);
        for (LogitsProcessor processor : List.of(NONE, new MinNewTokensLengthLogitsProcessor(1, 7))) {
            assertThatThrownBy(() -> search(state, new int[2][1], processor, 5))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage(
                            "logits: expected finite numbers, got " + score + " for token 7; the weights overflow or"
                                    + " are damaged: run `blip2 verify`, or download the checkpoint again");
        }
    }
}
