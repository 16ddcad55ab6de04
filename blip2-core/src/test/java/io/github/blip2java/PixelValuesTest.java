/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

class PixelValuesTest {
    @Test
    void anArrayOfThemHasTheirShapeAndOrder() {
        float[] values = new float[2 * 3 * 4 * 5];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        INDArray array = new PixelValues(values, 2, 4, 5).toINDArray();
        assertThat(array.shape()).containsExactly(2, 3, 4, 5);
        assertThat(array.getFloat(1, 2, 3, 4)).isEqualTo(119f);
        assertThat(array.getFloat(0, 1, 0, 2)).isEqualTo(22f);
    }

    @Test
    void theNumberOfValuesMustFit() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PixelValues(new float[59], 1, 4, 5))
                .withMessage(
                        "pixelValues: expected 1 x 3 x 4 x 5 values, sizes of at least 1, got 59 values; pass them with their own"
                                + " sizes");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PixelValues(null, 1, 4, 5))
                .withMessageContaining("got null");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PixelValues(new float[0], 0, 4, 5))
                .withMessageContaining("expected 0 x 3 x 4 x 5 values");
    }
}
