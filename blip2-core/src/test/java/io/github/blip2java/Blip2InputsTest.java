/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

class Blip2InputsTest {

    private static Blip2Inputs.Builder inputs(long id) {
        return Blip2Inputs.builder()
                .pixelValues(Nd4j.ones(DataType.FLOAT, 1, 3, 2, 2))
                .inputIds(new long[][] {{id, 2}})
                .labels(new long[][] {{3, -100}});
    }

    @Test
    void idsAreNotShared() {
        long[][] ids = {{1, 2}};
        Blip2Inputs inputs = inputs(1).inputIds(ids).build();
        ids[0][0] = 9;
        inputs.inputIds()[0][1] = 9;
        inputs.labels()[0][0] = 9;
        assertThat(inputs.inputIds()).isDeepEqualTo(new long[][] {{1, 2}});
        assertThat(inputs.labels()).isDeepEqualTo(new long[][] {{3, -100}});
        assertThat(inputs.attentionMask()).isNull();
        assertThat(inputs)
                .isEqualTo(inputs(1).build())
                .hasSameHashCodeAs(inputs(1).build());
        assertThat(inputs)
                .isNotEqualTo(inputs(2).build())
                .isNotEqualTo(inputs(1).attentionMask(new long[][] {{1, 1}}).build())
                .isNotEqualTo(inputs(1).outputAttentions(true).build())
                .isNotEqualTo(inputs(1)
                        .pixelValues(Nd4j.zeros(DataType.FLOAT, 1, 3, 2, 2))
                        .build());
    }
}
