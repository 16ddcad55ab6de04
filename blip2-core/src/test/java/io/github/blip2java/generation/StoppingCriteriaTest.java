/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class StoppingCriteriaTest {

    private static FinishReason check(StoppingCriteria stopping, int... tokens) {
        Hypothesis hypothesis = Hypothesis.of(0, new int[] {7, 9}, new int[0]);
        for (int token : tokens) {
            hypothesis = hypothesis.extend(0, token, 0, 0, null);
        }
        return stopping.check(hypothesis);
    }

    @Test
    void theFirstThatHoldsGivesTheReason() {
        int[] eos = {7, 9};
        StoppingCriteria stopping =
                StoppingCriteria.any(List.of(StoppingCriteria.eos(eos), StoppingCriteria.maxNewTokens(3)));
        assertThat(check(stopping, 1)).isNull();
        assertThat(check(stopping, 7)).isEqualTo(FinishReason.EOS);
        assertThat(check(stopping, 1, 1, 9)).isEqualTo(FinishReason.EOS);
        assertThat(check(stopping, 1, 1)).isNull();
        assertThat(check(stopping, 1, 1, 1)).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void timeIsOverOnceItIsOver() {
        assertThat(check(StoppingCriteria.maxTime(1000), 1)).isNull();
        assertThat(check(StoppingCriteria.maxTime(-1), 1)).isEqualTo(FinishReason.TIME);
    }
}
