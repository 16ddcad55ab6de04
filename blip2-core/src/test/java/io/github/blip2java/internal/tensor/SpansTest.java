/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SpansTest {

    @Test
    void sequencesLieOneAfterTheOther() {
        Spans spans = Spans.packed(3, 1, 0, 2);
        assertThat(spans.batch()).isEqualTo(4);
        assertThat(spans.starts()).containsExactly(0, 3, 4, 4);
        assertThat(spans.lengths()).containsExactly(3, 1, 0, 2);
        assertThat(spans.lastRows()).containsExactly(2, 3, 3, 5);
        assertThat(spans.longest()).isEqualTo(3);
        assertThat(spans.start(3)).isEqualTo(4);
        assertThat(spans.length(3)).isEqualTo(2);
        assertThat(Spans.padded(2, 5)).isEqualTo(Spans.packed(5, 5));
        assertThat(Spans.packed().longest()).isZero();
    }

    @Test
    void nobodyElseChangesThem() {
        int[] starts = {0, 2};
        int[] lengths = {2, 1};
        Spans spans = new Spans(starts, lengths);
        starts[0] = 9;
        lengths[0] = 9;
        spans.starts()[1] = 9;
        spans.lengths()[1] = 9;
        assertThat(spans).isEqualTo(Spans.packed(2, 1)).hasSameHashCodeAs(Spans.packed(2, 1));
        assertThat(spans).isNotEqualTo(Spans.packed(2, 2)).isNotEqualTo(new Spans(new int[] {0, 3}, new int[] {2, 1}));
        assertThat(spans).hasToString("Spans[starts=[0, 2], lengths=[2, 1]]");
        assertThatThrownBy(() -> new Spans(new int[2], new int[3]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("spans: expected as many lengths as starts, 2, got 3; each sequence has one of each");
    }
}
