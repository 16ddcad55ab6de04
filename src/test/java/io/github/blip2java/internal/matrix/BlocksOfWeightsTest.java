/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThatCode;

import io.github.blip2java.checkpoint.Arithmetic;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.SafetensorsWriter;
import io.github.blip2java.checkpoint.SafetensorsWriter.Planned;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.quantization.Narrowing;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Weights of 8 and 4 bits times many rows, with the library that multiplies bytes, where a matrix is large enough that weights
 * of 4 bits are turned into bytes, and floats rounded to bfloat16, in several blocks.
 */
@Tag("arithmetic")
class BlocksOfWeightsTest {
    private static final int IN = 4096;
    private static final int OUT = 544;
    private static final int ROWS = 8;

    private final Random random = new Random(6);

    @TempDir
    Path directory;

    @ParameterizedTest
    @EnumSource(names = {"INT8", "INT4"})
    void theSecondBlockIsWhereItBelongs(WeightFormat format) throws IOException {
        assertThat(Gemm.suits(ROWS, OUT, IN)).isTrue();
        assertThat(Gemm.blockRows(OUT, IN)).isEqualTo(512);
        write(gaussian(OUT * IN));
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            WeightMatrix matrix = WeightMatrix.load(checkpoint.root(format), "w.weight", OUT, IN);
            float[] x = gaussian(ROWS * IN);
            float[] y = new float[ROWS * OUT];
            matrix.multiply(x, ROWS, y);
            float[] w = new float[IN];
            for (int o = 0; o < OUT; o++) {
                matrix.copyRow(o, w, 0);
                double scale = 0;
                for (float weight : w) {
                    scale = Math.max(scale, Math.abs(weight));
                }
                for (int r = 0; r < ROWS; r++) {
                    double sum = 0;
                    double squares = 0;
                    double largest = 0;
                    for (int i = 0; i < IN; i++) {
                        sum += (double) x[r * IN + i] * w[i];
                        squares += (double) x[r * IN + i] * x[r * IN + i];
                        largest = Math.max(largest, Math.abs(x[r * IN + i]));
                    }
                    // Inputs, and weights of 4 bits, are rounded to steps of a 127th, and half steps of one in 63 where
                    // seven bits are all that the processor multiplies exactly: an error of 0.29 steps each,
                    // independent.
                    double weightSquares = 0;
                    for (float weight : w) {
                        weightSquares += (double) weight * weight;
                    }
                    double step = 0.29
                            * Math.hypot(largest / 63 * Math.sqrt(weightSquares), scale / 127 * Math.sqrt(squares));
                    assertThat(Math.abs(y[r * OUT + o] - sum))
                            .as("[%d, %d]", r, o)
                            .isLessThan(6 * step);
                }
            }
        }
    }

    /** Seven rows are many: both factors are rounded, those of weights in blocks of a part of each thread. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void inBfloat16BothFactorsAreRoundedAndNothingElse(WeightFormat format) throws IOException {
        assumeThatCode(Gemm::requireBf16).doesNotThrowAnyException();
        write(gaussian(OUT * IN));
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            WeightMatrix matrix = WeightMatrix.load(checkpoint.root(format, Arithmetic.BF16), "w.weight", OUT, IN);
            float[] x = gaussian(7 * IN);
            float[] y = new float[7 * OUT];
            matrix.multiply(x, 7, y);
            float[] w = new float[IN];
            for (int o = 0; o < OUT; o++) {
                matrix.copyRow(o, w, 0);
                for (int r = 0; r < 7; r++) {
                    double sum = 0;
                    double size = 0;
                    for (int i = 0; i < IN; i++) {
                        double term = (double) rounded(x[r * IN + i]) * rounded(w[i]);
                        sum += term;
                        size += Math.abs(term);
                    }
                    assertThat(Math.abs(y[r * OUT + o] - sum))
                            .as("[%d, %d]", r, o)
                            .isLessThan((IN + 1) * 0x1p-24 * size);
                }
            }
        }
    }

    private static float rounded(float value) {
        return Float.intBitsToFloat(Narrowing.toBfloat16(value) << 16);
    }

    /** A token is multiplied as ever. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void fewRowsAreNotRounded(WeightFormat format) throws IOException {
        write(gaussian(OUT * IN));
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            float[] x = gaussian(6 * IN);
            float[] exact = new float[6 * OUT];
            WeightMatrix.load(checkpoint.root(format), "w.weight", OUT, IN).multiply(x, 6, exact);
            float[] y = new float[6 * OUT];
            WeightMatrix.load(checkpoint.root(format, Arithmetic.BF16), "w.weight", OUT, IN)
                    .multiply(x, 6, y);
            for (int i = 0; i < y.length; i++) {
                assertThat(y[i]).isCloseTo(exact[i], Offset.offset(0.005f)); // of 64, the scale of a sum; rounded 0.1
            }
        }
    }

    private void write(float[] values) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        SafetensorsWriter.write(
                directory,
                List.of(new Planned("w.weight", DType.F32, new long[] {OUT, IN})),
                Long.MAX_VALUE,
                (tensor, file) -> SafetensorsWriter.writeFully(file, bytes));
    }

    private float[] gaussian(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
