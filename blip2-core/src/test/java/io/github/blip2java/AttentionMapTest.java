/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class AttentionMapTest {
    private static final float[][][] VALUES = {{{1, 2, 3}, {4, 5, 6}}, {{3, 2, 1}, {0, 1, 0}}};

    @Test
    void knowsItsSizeAndKeepsItsNumbers() {
        float[][][] given = {{{1, 2, 3}, {4, 5, 6}}, {{3, 2, 1}, {0, 1, 0}}};
        AttentionMap map = new AttentionMap(given);
        given[0][0][0] = 9;
        map.values()[1][1][1] = 9;
        assertThat(map.values()).isDeepEqualTo(VALUES);
        assertThat(new int[] {map.heads(), map.rows(), map.columns()}).containsExactly(2, 2, 3);
        assertThat(map)
                .isEqualTo(new AttentionMap(VALUES))
                .hasSameHashCodeAs(new AttentionMap(VALUES))
                .hasToString("AttentionMap[2, 2, 3]")
                .isNotEqualTo(new AttentionMap(given));
    }

    @Test
    void theMeanIsThatOfTheHeads() {
        assertThat(new AttentionMap(VALUES).mean()).isDeepEqualTo(new float[][] {{2, 2, 2}, {2, 3, 3}});
    }

    @Test
    void severalAreTakenTogetherHeadByHead() {
        AttentionMap map = new AttentionMap(VALUES);
        AttentionMap zeros = new AttentionMap(new float[2][2][3]);
        assertThat(AttentionMap.mean(List.of(map)).values()).isDeepEqualTo(VALUES);
        assertThat(AttentionMap.mean(List.of(map, zeros)).values()[1])
                .isDeepEqualTo(new float[][] {{1.5f, 1, 0.5f}, {0, 0.5f, 0}});
        assertThatThrownBy(() -> AttentionMap.mean(List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("maps: expected at least one, got none");
        assertThatThrownBy(() -> AttentionMap.mean(List.of(map, new AttentionMap(new float[2][3][2]))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("maps: expected [2, 2, 3] in each, got [2, 3, 2]; take maps of one model and one size of"
                        + " pictures");
    }

    @Test
    void refusesWhatIsNoMap() {
        for (float[][][] none : List.of(new float[0][][], new float[1][0][], new float[1][1][0])) {
            assertThatThrownBy(() -> new AttentionMap(none))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("values: expected at least one head, row and column, got none");
        }
        assertThatThrownBy(() -> new AttentionMap(new float[][][] {{{1, 2}, {3}}}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "values: expected 2 rows of 2 columns in every head, got others; make all heads as the first");
        for (float wrong : new float[] {-1, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> new AttentionMap(new float[][][] {{{wrong}}}))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("values: expected finite numbers of 0 or more, got " + wrong);
        }
    }
}
