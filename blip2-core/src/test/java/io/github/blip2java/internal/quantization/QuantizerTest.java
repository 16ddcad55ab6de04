/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.quantization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.SafetensorsWriter;
import io.github.blip2java.checkpoint.SafetensorsWriter.Planned;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.checkpoint.TestFiles;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.matrix.WeightMatrix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("arithmetic")
class QuantizerTest {
    private static final String NAME = "w.weight";

    private final Random random = new Random(11);

    @TempDir
    Path directory;

    private float[] gaussian(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (random.nextGaussian() * 0.02);
        }
        return values;
    }

    private void write(float[] values, int out) throws IOException {
        TestFiles.floats(directory.resolve("model.safetensors"), Map.of(NAME, values), Map.of(NAME, new long[] {
            out, values.length / out
        }));
    }

    /** Quantises and widens again. */
    private float[] roundTrip(float[] values, int out, WeightFormat format) throws IOException {
        write(values, out);
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            return widened(WeightMatrix.load(checkpoint.root(format), NAME, out, values.length / out));
        }
    }

    private static float[] widened(WeightMatrix matrix) {
        float[] result = new float[matrix.outFeatures() * matrix.inFeatures()];
        for (int row = 0; row < matrix.outFeatures(); row++) {
            matrix.copyRow(row, result, row * matrix.inFeatures());
        }
        return result;
    }

    private static double relativeRms(float[] expected, float[] actual) {
        double errors = 0;
        double squares = 0;
        for (int i = 0; i < expected.length; i++) {
            errors += Math.pow((double) expected[i] - actual[i], 2);
            squares += Math.pow(expected[i], 2);
        }
        return Math.sqrt(errors / squares);
    }

    @Test
    void int8IsOffByHalfAStepOfItsRow() throws IOException {
        for (int in : new int[] {1, 2, 20, 33, 88, 1408}) {
            float[] values = gaussian(5 * in);
            float[] result = roundTrip(values, 5, WeightFormat.INT8);
            for (int row = 0; row < 5; row++) {
                float highest = 0;
                for (int i = row * in; i < (row + 1) * in; i++) {
                    highest = Math.max(highest, Math.abs(values[i]));
                }
                for (int i = row * in; i < (row + 1) * in; i++) {
                    assertThat(result[i]).isCloseTo(values[i], Offset.offset(highest / 127 * 0.50001f));
                }
            }
        }
    }

    @Test
    void int4IsOffByLittleMoreThanHalfAStepOfItsGroup() throws IOException {
        for (int in : new int[] {1, 2, 20, 31, 32, 33, 88, 512, 513, 1408}) {
            float[] values = gaussian(5 * in);
            float[] result = roundTrip(values, 5, WeightFormat.INT4);
            for (int row = 0; row < 5; row++) {
                for (int from = row * in; from < (row + 1) * in; from += 32) {
                    int to = Math.min(from + 32, (row + 1) * in);
                    float[] group = Arrays.copyOfRange(values, from, to);
                    Arrays.sort(group);
                    float width = group[group.length - 1] - group[0];
                    // Half a step, what an end may be cut by, and the rounding of offset and scale.
                    float bound = width * (0.5f / 15 + 0.04f) * 1.1f + Math.abs(group[0]) / 256;
                    for (int i = from; i < to; i++) {
                        assertThat(result[i]).as("%d of %d", i, in).isCloseTo(values[i], Offset.offset(bound));
                    }
                }
            }
        }
    }

    @Test
    void errorsOfGaussianWeightsAreWhatTheFormatsPromise() throws IOException {
        float[] values = gaussian(64 * 2560);
        assertThat(relativeRms(values, roundTrip(values, 64, WeightFormat.INT8)))
                .isBetween(0.006, 0.010);
        // Without the search for a range it would be 0.078.
        assertThat(relativeRms(values, roundTrip(values, 64, WeightFormat.INT4)))
                .isBetween(0.065, 0.0725);
    }

    @ParameterizedTest
    @EnumSource(names = {"INT8", "INT4"})
    void zerosAndConstantsStay(WeightFormat format) throws IOException {
        float[] values = new float[3 * 70];
        Arrays.fill(values, 70, 140, 0.3f);
        Arrays.fill(values, 140, 210, -1e-30f);
        float[] result = roundTrip(values, 3, format);
        for (int i = 0; i < values.length; i++) {
            assertThat(result[i]).isCloseTo(values[i], Offset.offset(Math.abs(values[i]) * 1e-4f));
        }
        float[] tiny = new float[40];
        Arrays.fill(tiny, Float.MIN_VALUE);
        for (float value : roundTrip(tiny, 1, format)) {
            assertThat(value).isCloseTo(0f, Offset.offset(Float.MIN_NORMAL));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"INT8", "INT4"})
    void weightsThatAreNoNumbersAreRefused(WeightFormat format) throws IOException {
        for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 3e38f}) {
            float[] values = gaussian(3 * 50);
            values[2 * 50 + 41] = wrong;
            assertThatThrownBy(() -> roundTrip(values, 3, format))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessage("tensor \"w.weight\"[2, 41]: expected a finite weight, got " + wrong + ", which "
                            + format.name().toLowerCase()
                            + " cannot hold; the checkpoint is damaged, download it again");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"INT8", "INT4"})
    void storedMatricesAreTheOnesMadeWhenLoading(WeightFormat format) throws IOException {
        float[] values = gaussian(37 * 600);
        write(values, 37);
        Path quantised = Files.createDirectory(directory.resolve("quantised"));
        float[] expected;
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            expected = widened(WeightMatrix.load(checkpoint.root(format), NAME, 37, 600));
            StoredTensor tensor = checkpoint.tensor(NAME);
            List<Planned> plan = Quantizer.plan(format, NAME, 37, 600);
            Iterator<ByteBuffer> parts =
                    Quantizer.quantize(tensor, format, checkpoint.memory()).iterator();
            SafetensorsWriter.write(
                    quantised, plan, Long.MAX_VALUE, (part, file) -> SafetensorsWriter.writeFully(file, parts.next()));
        }
        try (Checkpoint checkpoint = Checkpoint.open(quantised)) {
            assertThat(checkpoint.quantization()).isEqualTo(format);
            for (WeightFormat asked : new WeightFormat[] {WeightFormat.AUTO, format}) {
                assertThat(widened(WeightMatrix.load(checkpoint.root(asked), NAME, 37, 600)))
                        .containsExactly(expected);
            }
            assertThat(checkpoint.unused()).isEmpty();
            String got = format.name().toLowerCase();
            assertThatThrownBy(() -> WeightMatrix.load(checkpoint.root(WeightFormat.F32), NAME, 37, 600))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessage("tensor \"w.weight\": expected floats to make dtype f32 of, got " + got
                            + "; load with dtype auto or " + got
                            + ", or take the checkpoint that this one was converted from");
        }
    }
}
