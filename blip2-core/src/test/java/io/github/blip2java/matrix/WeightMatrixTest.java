/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.matrix;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.weights.Checkpoint;
import io.github.blip2java.weights.TestFiles;
import io.github.blip2java.weights.WeightFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WeightMatrixTest {
    private final Random random = new Random(3);

    @TempDir
    Path directory;

    private float[] values(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @ParameterizedTest
    @EnumSource(names = {"AUTO", "F32", "F16", "BF16"})
    void productsOfAllShapes(WeightFormat format) throws IOException {
        int[][] shapes = {{1, 1}, {1, 5}, {3, 1}, {33, 17}, {64, 64}, {100, 88}, {31, 129}, {300, 40}};
        for (int[] shape : shapes) {
            int out = shape[0];
            int in = shape[1];
            TestFiles.floats(
                    directory.resolve("model.safetensors"),
                    Map.of("w", values(out * in)),
                    Map.of("w", new long[] {out, in}));
            try (Checkpoint checkpoint = Checkpoint.open(directory)) {
                WeightMatrix matrix = WeightMatrix.load(checkpoint.root(format), "w", out, in);
                float[] w = new float[out * in];
                for (int row = 0; row < out; row++) {
                    matrix.copyRow(row, w, row * in);
                }
                for (int rows : new int[] {1, 2, 3, 5, 6, 7, 8, 19, 40}) {
                    check(matrix, w, rows);
                }
            }
        }
    }

    private void check(WeightMatrix matrix, float[] w, int rows) {
        int out = matrix.outFeatures();
        int in = matrix.inFeatures();
        float[] x = values(rows * in);
        float[] y = values(rows * out);
        matrix.multiply(x, rows, y);
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < out; o++) {
                double expected = 0;
                double size = 0;
                for (int i = 0; i < in; i++) {
                    expected += (double) x[r * in + i] * w[o * in + i];
                    size += Math.abs((double) x[r * in + i] * w[o * in + i]);
                }
                assertThat((double) y[r * out + o])
                        .as("[%d, %d] x %d rows", out, in, rows)
                        .isCloseTo(expected, Offset.offset(in * 0x1p-24 * size + 1e-12));
            }
        }
    }

    @Test
    void narrowingRoundsToNearestEven() {
        float[] values = {
            0f,
            -0f,
            1f,
            1 + 0x1p-11f,
            1 + 3 * 0x1p-11f,
            65519f,
            65520f,
            0x1p-24f,
            0x1p-25f,
            1.5f * 0x1p-25f,
            -0x1p-14f,
            0x1.ff8p-15f,
            Float.POSITIVE_INFINITY
        };
        float[] expected = {
            0f,
            -0f,
            1f,
            1f,
            1 + 4 * 0x1p-11f,
            65504f,
            Float.POSITIVE_INFINITY,
            0x1p-24f,
            0f,
            0x1p-24f,
            -0x1p-14f,
            0x1.ff8p-15f,
            Float.POSITIVE_INFINITY
        };
        for (int i = 0; i < values.length; i++) {
            assertThat(io.github.blip2java.weights.StoredTensor.halfToFloat(Narrowing.toHalf(values[i])))
                    .as("half of %s", values[i])
                    .isEqualTo(expected[i]);
        }
        assertThat(Narrowing.toHalf(Float.NaN)).isEqualTo((short) 0x7e00);
        assertThat(Narrowing.toBfloat16(1 + 0x1p-8f)).isEqualTo((short) 0x3f80);
        assertThat(Narrowing.toBfloat16(1 + 3 * 0x1p-8f)).isEqualTo((short) 0x3f82);
        assertThat(Narrowing.toBfloat16(-1.5f)).isEqualTo((short) 0xbfc0);
        assertThat(Float.isNaN(Float.intBitsToFloat(Narrowing.toBfloat16(Float.intBitsToFloat(0x7f800001)) << 16)))
                .isTrue();
    }
}
