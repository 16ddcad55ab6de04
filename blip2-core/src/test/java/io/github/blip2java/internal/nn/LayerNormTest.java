/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.TestFiles;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("arithmetic")
class LayerNormTest {
    private static final int ROWS = 6;
    private static final int HIDDEN = 37;
    private static final double EPS = 1e-3;

    private final Random random = new Random(5);

    private float[] values(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (3 + 2 * random.nextGaussian());
        }
        return values;
    }

    @Test
    void withoutWeightAndBiasRowsHaveMeanZeroAndVarianceOne() {
        Tensor x = Tensor.of(values(ROWS * HIDDEN), 2, 3, HIDDEN);
        float[] before = x.data().clone();
        Tensor y = LayerNorm.withoutAffine(EPS).forward(x);
        assertThat(y.shape()).containsExactly(2, 3, HIDDEN);
        assertThat(x.data()).containsExactly(before);
        check(x, y, null, null);
    }

    @Test
    void weightAndBiasComeFromTheCheckpoint(@TempDir Path directory) throws IOException {
        float[] weight = values(HIDDEN);
        float[] bias = values(HIDDEN);
        TestFiles.floats(
                directory.resolve("model.safetensors"),
                Map.of("norm.weight", weight, "norm.bias", bias),
                Map.of("norm.weight", new long[] {HIDDEN}, "norm.bias", new long[] {HIDDEN}));
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            LayerNorm norm = new LayerNorm(
                    HIDDEN, EPS, checkpoint.root(WeightFormat.AUTO).at("norm"));
            Tensor x = Tensor.of(values(ROWS * HIDDEN), ROWS, HIDDEN);
            check(x, norm.forward(x), weight, bias);
        }
    }

    private static void check(Tensor x, Tensor y, float[] weight, float[] bias) {
        for (int row = 0; row < ROWS; row++) {
            double mean = 0;
            double squares = 0;
            for (int i = 0; i < HIDDEN; i++) {
                mean += x.data()[row * HIDDEN + i] / (double) HIDDEN;
            }
            for (int i = 0; i < HIDDEN; i++) {
                squares += Math.pow(x.data()[row * HIDDEN + i] - mean, 2) / HIDDEN;
            }
            for (int i = 0; i < HIDDEN; i++) {
                double expected = (x.data()[row * HIDDEN + i] - mean) / Math.sqrt(squares + EPS);
                if (weight != null) {
                    expected = expected * weight[i] + bias[i];
                }
                assertThat((double) y.data()[row * HIDDEN + i]).isCloseTo(expected, Offset.offset(1e-5));
            }
        }
    }
}
