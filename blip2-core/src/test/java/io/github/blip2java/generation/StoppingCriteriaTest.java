/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StoppingCriteriaTest {

    @Test
    void endTokensComeBeforeTheLimit() {
        int[] eos = {7, 9};
        StoppingCriteria stopping = new StoppingCriteria(3, eos);
        eos[0] = 1;
        assertThat(stopping.check(1, 1)).isNull();
        assertThat(stopping.check(1, 7)).isEqualTo(FinishReason.EOS);
        assertThat(stopping.check(3, 9)).isEqualTo(FinishReason.EOS);
        assertThat(stopping.check(2, 1)).isNull();
        assertThat(stopping.check(3, 1)).isEqualTo(FinishReason.LENGTH);
        assertThat(new StoppingCriteria(1).check(1, 0)).isEqualTo(FinishReason.LENGTH);
    }
}
