/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class ConstraintListStateTest {
    private static ConstraintListState state(List<List<List<Integer>>> words) {
        return new ConstraintListState(words.stream().map(Constraint::of).toList());
    }

    @Test
    void aPhraseCountsTokenByTokenAndEachConstraintAsTheLongest() {
        ConstraintListState state = state(List.of(List.of(List.of(5, 6, 7)), List.of(List.of(8))));
        assertThat(state.advance()).containsExactly(5, 8);
        assertThat(state.bank()).isZero();
        assertThat(state.add(5).bank()).isEqualTo(1);
        assertThat(state.advance()).containsExactly(6);
        assertThat(state.add(6, 7).bank()).isEqualTo(3);
        assertThat(state.advance()).containsExactly(8);
        assertThat(state.completed()).isFalse();
        assertThat(state.add(8).bank()).isEqualTo(6);
        assertThat(state.completed()).isTrue();
        assertThat(state.advance()).isEmpty();
    }

    @Test
    void anotherTokenSendsAPhraseBackToItsStart() {
        ConstraintListState state = state(List.of(List.of(List.of(5, 6, 7))));
        assertThat(state.add(5, 6, 9).bank()).isZero();
        assertThat(state.advance()).containsExactly(5);
        assertThat(state.add(5, 6, 7).completed()).isTrue();
    }

    @Test
    void oneOfSeveralRunsIsEnough() {
        ConstraintListState state = state(List.of(List.of(List.of(5, 6, 7), List.of(5, 8), List.of(9))));
        assertThat(state.advance()).containsExactly(5, 9);
        assertThat(state.add(5).advance()).containsExactly(6, 8);
        assertThat(state.copy().add(8).completed()).isTrue();
        assertThat(state(List.of(List.of(List.of(5, 6), List.of(9)))).add(9).completed())
                .isTrue();
    }

    /** The copies of the reference share what has come so far: the one after a copy that went on is where that one is. */
    @Test
    void ofSeveralTokensThatMayFollowTheFirstAloneIsAStep() {
        ConstraintListState state =
                state(List.of(List.of(List.of(5, 6), List.of(5, 8)))).add(5);
        assertThat(state.copy().add(6).bank()).isEqualTo(2);
        assertThat(state.copy().add(8).bank()).isZero();
    }

    @Test
    void aCopyGoesItsOwnWay() {
        ConstraintListState state = state(List.of(List.of(List.of(5, 6)), List.of(List.of(7))));
        ConstraintListState copy = state.add(5).copy().add(6, 7);
        assertThat(copy.completed()).isTrue();
        assertThat(state.advance()).containsExactly(6);
        assertThat(state.bank()).isEqualTo(1);
    }

    @Test
    void runsThatAreNoneAreRefused() {
        assertThatThrownBy(() -> Constraint.of(List.of(List.of())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("force_words_ids: expected runs of one id or more, 0 or higher, got [];"
                        + " use ids of this model's tokenizer");
        assertThatThrownBy(() -> Constraint.of(List.of(List.of(3), List.of(1, -2))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("force_words_ids: expected runs of one id or more, 0 or higher, got [1, -2];"
                        + " use ids of this model's tokenizer");
        assertThatThrownBy(() -> Constraint.of(List.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("force_words_ids: expected one run of tokens or more for each constraint, got none");
        assertThatThrownBy(() -> Constraint.of(List.of(List.of(3, 4), List.of(3))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("force_words_ids: expected alternatives of which none is the beginning of another, got"
                        + " [3] and [3, 4]; leave the longer one out");
    }
}
