/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.internal.tensor.Tensor;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class CrossEntropyLossTest {

    /** {@code units_reference.py} wrote what torch makes of these; null is NaN, the mean over nothing. */
    @Test
    void meansEqualTorch() throws IOException {
        JsonNode file = new ObjectMapper().readTree(getClass().getResourceAsStream("/units/cross_entropy.json"));
        float[] values = new float[file.get("logits").size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = file.get("logits").get(i).floatValue();
        }
        Tensor logits = Tensor.of(values, 2, 4, 5);
        assertThat(file.get("cases")).hasSize(3);
        for (JsonNode one : file.get("cases")) {
            long[][] labels = new ObjectMapper().convertValue(one.get("labels"), long[][].class);
            check(CrossEntropyLoss.forward(logits, labels, false), one.get("loss"));
            check(CrossEntropyLoss.forward(logits, labels, true), one.get("shifted"));
        }
    }

    private static void check(float loss, JsonNode expected) {
        if (expected.isNull()) {
            assertThat(loss).isNaN();
        } else {
            assertThat(loss).isCloseTo(expected.floatValue(), within(4e-6f)); // four steps of a float32 of about 8
        }
    }

    @Test
    void labelsOutsideTheVocabularyAreNamed() {
        for (long wrong : new long[] {5, -1, 1L << 33}) {
            assertThatThrownBy(() -> CrossEntropyLoss.forward(Tensor.zeros(1, 2, 5), new long[][] {{wrong, 1}}, true))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("labels: expected ids from 0 to 4 or -100, got " + wrong
                            + " in row 0, column 0; set -100 where no loss is wanted");
        }
    }
}
