/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.SafetensorsWriter;
import io.github.blip2java.checkpoint.SafetensorsWriter.Planned;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.matrix.Gemm;
import io.github.blip2java.internal.matrix.WeightMatrix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Products of many rows by weight matrices; those of 8 and 4 bits round the inputs to 8 bits where this module is present, or
 * to 7 on processors whose sums of 8 would overflow.
 */
@Tag("arithmetic")
class ProductsOfMatricesTest {
    private static final int OUT = 300;
    private static final int IN = 1030;
    private static final int OUTLIER = 17;

    private final Random random = new Random(4);

    @TempDir
    Path directory;

    private Checkpoint checkpoint;

    @ParameterizedTest
    @CsvSource({"F32", "F16", "BF16"})
    void floatsAreNotRounded(WeightFormat format) throws IOException {
        assertThat(relativeError(format, 40, gaussian(40 * IN))).isLessThan(1e-5);
    }

    /** How much coarser the steps of inputs are than with 8 bits: 63 in place of 127 with 7. */
    private static final double COARSER = Gemm.activationBits() == 7 ? 127 / 63.0 : 1;

    /** The error of inputs that are rounded to 127 steps of their largest value, with up to 4 standard deviations. */
    @ParameterizedTest
    @CsvSource({"INT8, 7", "INT8, 40", "INT4, 40"})
    void inputsAreRoundedLittle(WeightFormat format, int rows) throws IOException {
        assertThat(relativeError(format, rows, gaussian(rows * IN))).isLessThan(0.015 * COARSER);
    }

    /**
     * One feature a hundred times larger than the rest would leave these three steps, and an error of more than a tenth. With
     * 4 bits its weights are rounded to 8 bits, as all are.
     */
    @ParameterizedTest
    @CsvSource({"INT8, 0.015, 0", "INT4, 0.015, 0.025"})
    void aFeatureFarLargerThanTheOthersDoesNotDrownThem(WeightFormat format, double ofInputs, double ofWeights)
            throws IOException {
        int rows = 40;
        float[] x = gaussian(rows * IN);
        for (int row = 0; row < rows; row++) {
            x[row * IN + OUTLIER] *= 100;
        }
        assertThat(relativeError(format, rows, x)).isLessThan(ofInputs * COARSER + ofWeights);
    }

    @ParameterizedTest
    @CsvSource({"INT8", "INT4"})
    void whatIsNoNumberStaysVisible(WeightFormat format) throws IOException {
        int rows = 40;
        float[] x = gaussian(rows * IN);
        x[3 * IN + 5] = Float.NaN;
        x[4 * IN + 5] = Float.POSITIVE_INFINITY;
        float[] y = new float[rows * OUT];
        matrix(format).multiply(x, rows, y);
        for (int o = 0; o < OUT; o++) {
            assertThat(y[2 * OUT + o]).isFinite();
            assertThat(y[3 * OUT + o]).isNaN();
            assertThat(Float.isFinite(y[4 * OUT + o])).isFalse();
        }
    }

    /** Root mean square of the error over that of the exact products; what the outlier contributes is left out of the latter. */
    private double relativeError(WeightFormat format, int rows, float[] x) throws IOException {
        WeightMatrix matrix = matrix(format);
        float[] w = new float[OUT * IN];
        for (int row = 0; row < OUT; row++) {
            matrix.copyRow(row, w, row * IN);
        }
        float[] y = new float[rows * OUT];
        matrix.multiply(x, rows, y);
        double errors = 0;
        double squares = 0;
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < OUT; o++) {
                double sum = 0;
                for (int i = 0; i < IN; i++) {
                    sum += (double) x[r * IN + i] * w[o * IN + i];
                }
                double others = sum - (double) x[r * IN + OUTLIER] * w[o * IN + OUTLIER];
                errors += (y[r * OUT + o] - sum) * (y[r * OUT + o] - sum);
                squares += others * others;
            }
        }
        return Math.sqrt(errors / squares);
    }

    private WeightMatrix matrix(WeightFormat format) throws IOException {
        float[] values = gaussian(OUT * IN);
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        SafetensorsWriter.write(
                directory,
                List.of(new Planned("w.weight", DType.F32, new long[] {OUT, IN})),
                Long.MAX_VALUE,
                (tensor, file) -> file.write(bytes));
        checkpoint = Checkpoint.open(directory);
        return WeightMatrix.load(checkpoint.root(format), "w.weight", OUT, IN);
    }

    @AfterEach
    void closeCheckpoint() {
        checkpoint.close();
    }

    private float[] gaussian(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
