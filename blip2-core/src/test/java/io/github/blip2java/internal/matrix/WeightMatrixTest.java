/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.TestFiles;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.quantization.Narrowing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("arithmetic")
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

    @ParameterizedTest
    @EnumSource(names = {"INT8", "INT4"})
    void quantisedProductsOfAllShapes(WeightFormat format) throws IOException {
        // 512 is a block of 4 bits, 32 a group; the lengths of the models and some that fill neither.
        int[][] shapes = {
            {1, 1}, {2, 20}, {33, 31}, {40, 40}, {5, 192}, {7, 511}, {3, 513}, {65, 1408}, {200, 1030}, {2, 2561}
        };
        for (int[] shape : shapes) {
            int out = shape[0];
            int in = shape[1];
            TestFiles.floats(
                    directory.resolve("model.safetensors"),
                    Map.of("w.weight", values(out * in)),
                    Map.of("w.weight", new long[] {out, in}));
            try (Checkpoint checkpoint = Checkpoint.open(directory)) {
                WeightMatrix matrix = WeightMatrix.load(checkpoint.root(format), "w.weight", out, in);
                float[] w = new float[out * in];
                for (int row = 0; row < out; row++) {
                    matrix.copyRow(row, w, row * in);
                }
                for (int rows : new int[] {1, 2, 4, 5, 6, 7, 19}) {
                    // Inputs are rounded to 8 bits with 4-bit weights: half a step of max / 127 in each product.
                    boolean rounded = format == WeightFormat.INT4;
                    check(matrix, w, rows, rounded ? 0.5 / 127 : 0);
                }
            }
        }
    }

    private void check(WeightMatrix matrix, float[] w, int rows) {
        check(matrix, w, rows, 0);
    }

    /** Compares with the sum in double; {@code rounding} is how far each input may be off, as a part of the largest. */
    private void check(WeightMatrix matrix, float[] w, int rows, double rounding) {
        int out = matrix.outFeatures();
        int in = matrix.inFeatures();
        float[] x = values(rows * in);
        float[] y = values(rows * out);
        matrix.multiply(x, rows, y);
        for (int r = 0; r < rows; r++) {
            double largest = 0;
            for (int i = 0; i < in; i++) {
                largest = Math.max(largest, Math.abs(x[r * in + i]));
            }
            for (int o = 0; o < out; o++) {
                double expected = 0;
                double size = 0;
                double rounded = 0;
                for (int i = 0; i < in; i++) {
                    expected += (double) x[r * in + i] * w[o * in + i];
                    size += Math.abs((double) x[r * in + i] * w[o * in + i]);
                    rounded += Math.abs(w[o * in + i]) * largest * rounding;
                }
                assertThat((double) y[r * out + o])
                        .as("[%d, %d] x %d rows", out, in, rows)
                        .isCloseTo(expected, Offset.offset((in + 16) * 0x1p-24 * size + rounded + 1e-12));
            }
        }
    }

    @Test
    void aRowOfAProductIsTheProductOfTheRow() throws IOException {
        TestFiles.floats(
                directory.resolve("model.safetensors"),
                Map.of("w.weight", values(50 * 700)),
                Map.of("w.weight", new long[] {50, 700}));
        float[] x = values(5 * 700);
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            WeightMatrix matrix = WeightMatrix.load(checkpoint.root(WeightFormat.INT4), "w.weight", 50, 700);
            float[] all = new float[5 * 50];
            matrix.multiply(x, 5, all);
            for (int row = 0; row < 5; row++) {
                float[] one = new float[50];
                matrix.multiply(Arrays.copyOfRange(x, row * 700, (row + 1) * 700), 1, one);
                assertThat(Arrays.copyOfRange(all, row * 50, (row + 1) * 50)).containsExactly(one);
            }
        }
    }

    @Test
    void inputsThatAreNoNumbersStayVisible() throws IOException {
        TestFiles.floats(
                directory.resolve("model.safetensors"),
                Map.of("w.weight", values(3 * 40)),
                Map.of("w.weight", new long[] {3, 40}));
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            for (WeightFormat format : new WeightFormat[] {WeightFormat.INT8, WeightFormat.INT4}) {
                WeightMatrix matrix = WeightMatrix.load(checkpoint.root(format), "w.weight", 3, 40);
                for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                    float[] x = values(40);
                    x[33] = wrong;
                    float[] y = new float[3];
                    matrix.multiply(x, 1, y);
                    for (float value : y) {
                        assertThat(Float.isFinite(value)).as("%s", format).isFalse();
                    }
                }
                float[] y = {1, 1, 1};
                matrix.multiply(new float[40], 1, y);
                assertThat(y).containsExactly(0f, 0f, 0f);
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
            assertThat(io.github.blip2java.checkpoint.StoredTensor.halfToFloat(Narrowing.toHalf(values[i])))
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
