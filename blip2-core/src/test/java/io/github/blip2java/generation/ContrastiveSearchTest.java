/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static io.github.blip2java.generation.TableState.log;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.generation.search.BatchSearch;
import io.github.blip2java.generation.search.ContrastiveSearch;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.GreedySearch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ContrastiveSearchTest {
    private static final int END = 3;

    private static StoppingCriteria stopping(int maxNewTokens) {
        return StoppingCriteria.any(List.of(StoppingCriteria.eos(END), StoppingCriteria.maxNewTokens(maxNewTokens)));
    }

    private static BatchSearch search(int prompts, double alpha, int topK, int most) {
        return new BatchSearch(prompts, 1, prompt -> new ContrastiveSearch(alpha, topK, stopping(most)));
    }

    private static List<String> texts(List<Hypothesis> found) {
        return found.stream()
                .map(each -> Arrays.toString(each.tokens()) + " " + each.finishReason())
                .toList();
    }

    /** The hidden state is a direction for each token; the prompt's is that of token 0, of another length. */
    private record Directions(float[] logits) implements TableState.Table {
        @Override
        public float[] logits(int prompt, int[] tokens) {
            return logits;
        }

        @Override
        public float[] hidden(int prompt, int[] tokens) {
            if (tokens.length == 0) {
                return new float[] {2, 0, 0, 0};
            }
            float[] hidden = new float[4];
            hidden[tokens[tokens.length - 1]] = 5;
            return hidden;
        }
    }

    /**
     * 0.4 · p − 0.6 · cosine: at first token 0 has 0.4 · 0.6 − 0.6 = −0.36, token 1 0.4 · 0.3 = 0.12, token 2 0.4 · 0.08 = 0.032; then
     * token 2; then all three look like what is there and 0 is the most probable.
     */
    @Test
    void whatIsAlikeLosesToWhatIsNew() {
        Directions table = new Directions(log(0.6, 0.3, 0.08, 0.02));
        assertThat(texts(TableState.run(table, search(1, 0.6, 3, 4), 1, 0))).containsExactly("[1, 2, 0, 0] LENGTH");
        assertThat(texts(TableState.run(table, search(1, 0.6, 2, 4), 1, 0))).containsExactly("[1, 0, 0, 0] LENGTH");
        assertThat(texts(TableState.run(table, search(1, 0.6, 4, 4), 1, 0))).containsExactly("[1, 2, 3] EOS");
    }

    @Test
    void withoutPenaltyItIsGreedySearch() {
        for (int seed = 0; seed < 20; seed++) {
            TableState.Table table = TableState.Table.random(seed, 5, 1);
            assertThat(texts(TableState.run(table, search(3, 0, 4, 9), 3, 0, 1, 2)))
                    .isEqualTo(texts(TableState.run(table, new GreedySearch(3, stopping(9)), 3, 0, 1, 2)));
        }
    }

    @Test
    void aBatchIsItsRowsAloneInAnyOrder() {
        for (int seed = 0; seed < 20; seed++) {
            TableState.Table table = TableState.Table.random(seed, 5, 1);
            List<String> batch = texts(TableState.run(table, search(3, 0.5, 3, 9), 3, 2, 0, 1));
            List<String> alone = new ArrayList<>();
            for (int prompt : new int[] {2, 0, 1}) {
                alone.addAll(texts(TableState.run(table, search(1, 0.5, 3, 9), 1, prompt)));
            }
            assertThat(batch).isEqualTo(alone);
        }
    }

    /** Token 0 alone is allowed at first: others would win by being new. */
    @Test
    void whatIsForbiddenIsNoCandidate() {
        LogitsProcessor onlyFirst = (hypothesis, scores) -> {
            if (hypothesis.newTokens() == 0) {
                Arrays.fill(scores, 1, 4, Float.NEGATIVE_INFINITY);
            }
        };
        Directions table = new Directions(log(0.6, 0.3, 0.08, 0.02));
        assertThat(texts(TableState.run(table, search(1, 0.6, 3, 2), 1, onlyFirst, 0)))
                .containsExactly("[0, 1] LENGTH");
        LogitsProcessor nothing = (hypothesis, scores) -> Arrays.fill(scores, Float.NEGATIVE_INFINITY);
        assertThatThrownBy(() -> TableState.run(table, search(1, 0.6, 3, 2), 1, nothing, 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("scores: expected a token that may follow, got none");
    }

    /** A token is heard of when it has won, and what is cancelled is a beginning. */
    @Test
    void onlyWhatIsSettledIsStreamed() {
        List<Long> told = new ArrayList<>();
        Cancellation cancellation = new Cancellation();
        List<Hypothesis> found = new DecodingLoop(
                        search(1, 0.6, 3, 4),
                        1,
                        (hypothesis, scores) -> {},
                        Frontier.Kept.NOTHING,
                        (sequence, tokens) -> {
                            Arrays.stream(tokens).forEach(told::add);
                            if (told.size() == 2) {
                                cancellation.cancel();
                            }
                        },
                        cancellation)
                .run(
                        new TableState(new Directions(log(0.6, 0.3, 0.08, 0.02)), 0),
                        List.of(Hypothesis.of(0, new int[] {0}, new int[0])));
        assertThat(told).containsExactly(1L, 2L);
        assertThat(texts(found)).containsExactly("[1, 2] CANCELLED");
    }
}
