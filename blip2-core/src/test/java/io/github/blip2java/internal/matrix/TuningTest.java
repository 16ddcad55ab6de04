/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.checkpoint.WeightFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TuningTest {

    @Test
    void namedNumbersAreReplaced() {
        Tuning tuning = new Tuning("int8.fewRows=7, smallProduct=5");
        assertThat(tuning.rows(WeightFormat.INT8).few()).isEqualTo(7);
        assertThat(tuning.smallProduct()).isEqualTo(5);
        assertThat(tuning.rows(WeightFormat.F32)).isEqualTo(new Tuning("").rows(WeightFormat.F32));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"int8.fewrows=7", "int8.fewRows", "int8.fewRows=0", "int8.fewRows=x", "int8.fewRows=99999999999"
            })
    void whatIsNoNumberOfANameIsRefused(String changes) {
        assertThatThrownBy(() -> new Tuning(changes))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "-Dblip2.tuning: expected name=number, names are [smallProduct, taskRows, f32.fewRows, f16.fewRows,"
                                + " bf16.fewRows, int8.fewRows, int4.fewRows, f32.together, f16.together, bf16.together,"
                                + " int8.together, int4.together], got \"" + changes
                                + "\"; take what blip2 bench --tune prints");
    }
}
