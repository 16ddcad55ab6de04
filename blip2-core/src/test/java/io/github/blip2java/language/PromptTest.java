/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import org.junit.jupiter.api.Test;

class PromptTest {

    @Test
    void paddingIsDroppedOnEitherSideAndColumnsAreKept() {
        Tensor embeds = Tensor.of(new float[] {1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6}, 2, 3, 2);
        Prompt prompt = Prompt.pack(embeds, new long[][] {{0, 1, 1}, {1, 0, 1}});
        assertThat(prompt.embeds().shape()).containsExactly(4, 2);
        assertThat(prompt.embeds().data()).containsExactly(2, -2, 3, -3, 4, -4, 6, -6);
        assertThat(prompt.spans()).isEqualTo(Spans.packed(2, 2));
        assertThat(prompt.columns()).containsExactly(1, 2, 0, 2);
    }

    @Test
    void columnsAreNotShared() {
        Tensor embeds = Tensor.zeros(2, 1);
        int[] columns = {0, 1};
        Prompt prompt = new Prompt(embeds, Spans.packed(2), columns);
        columns[0] = 7;
        prompt.columns()[1] = 8;
        assertThat(prompt.columns()).containsExactly(0, 1);
        assertThat(prompt)
                .isEqualTo(new Prompt(embeds, Spans.packed(2), new int[] {0, 1}))
                .hasSameHashCodeAs(new Prompt(embeds, Spans.packed(2), new int[] {0, 1}))
                .isNotEqualTo(new Prompt(embeds, Spans.packed(2), new int[] {0, 2}))
                .isNotEqualTo(new Prompt(Tensor.zeros(2, 1), Spans.packed(2), new int[] {0, 1}));
    }
}
