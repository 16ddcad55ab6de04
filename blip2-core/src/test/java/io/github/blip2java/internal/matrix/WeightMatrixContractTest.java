/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.SafetensorsWriter;
import io.github.blip2java.checkpoint.SafetensorsWriter.Planned;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.checkpoint.WeightMemory;
import io.github.blip2java.internal.quantization.Narrowing;
import io.github.blip2java.internal.quantization.Quantizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every matrix promises, whatever its weights are stored as and however they came: as they lie in the file, converted
 * while loading, or from the heap. With OpenBLAS, which multiplies no bytes: inputs to 8 bits stay float32 here.
 */
@Tag("arithmetic")
class WeightMatrixContractTest {
    private static final String NAME = "w.weight";
    private static final float GUARD = 12345f;

    /** Widths that no vector divides, one of a single block of 4 bits and one a little longer. */
    private static final int[][] SHAPES = {{1, 1}, {5, 7}, {33, 31}, {70, 129}, {130, 1030}, {66, 515}};

    private static final int[] ROWS = {1, 2, 3, 4, 5, 6, 7, 8, 300};

    @TempDir
    Path directory;

    private final Random random = new Random(8);

    /** Where the weights come from. */
    enum Origin {
        HEAP,
        MAPPED,
        CONVERTED
    }

    static Stream<Arguments> matrices() {
        List<Arguments> all = new ArrayList<>();
        all.add(Arguments.of(WeightFormat.F32, Origin.HEAP));
        for (WeightFormat format : WeightFormat.values()) {
            if (format != WeightFormat.AUTO) {
                all.add(Arguments.of(format, Origin.MAPPED));
                all.add(Arguments.of(format, Origin.CONVERTED));
            }
        }
        return all.stream();
    }

    @ParameterizedTest
    @MethodSource("matrices")
    void productsAreSumsOfRows(WeightFormat format, Origin origin) throws IOException {
        for (int[] shape : SHAPES) {
            try (Loaded loaded = load(format, origin, shape[0], shape[1])) {
                float[] w = widened(loaded.matrix());
                for (int rows : ROWS) {
                    float[] x = gaussian(rows * shape[1]);
                    float[] before = x.clone();
                    check(loaded.matrix(), format, w, x, rows);
                    assertThat(Arrays.equals(x, before)).isTrue();
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("matrices")
    void rowsAreThoseOfTheFile(WeightFormat format, Origin origin) throws IOException {
        for (int[] shape : SHAPES) {
            int out = shape[0];
            int in = shape[1];
            try (Loaded loaded = load(format, origin, out, in)) {
                assertThat(loaded.matrix().outFeatures()).isEqualTo(out);
                assertThat(loaded.matrix().inFeatures()).isEqualTo(in);
                for (int row = 0; row < out; row++) {
                    float[] own = new float[in + 5];
                    Arrays.fill(own, GUARD);
                    loaded.matrix().copyRow(row, own, 2);
                    assertThat(new float[] {own[0], own[1], own[in + 2], own[in + 3], own[in + 4]})
                            .containsOnly(GUARD);
                    checkRow(format, Arrays.copyOfRange(loaded.values(), row * in, (row + 1) * in), own);
                }
            }
        }
    }

    /** Rounded to the nearest for floats; at most half a step off for codes. */
    private static void checkRow(WeightFormat format, float[] stored, float[] row) {
        float largest = 0;
        for (float value : stored) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < stored.length; i++) {
            float got = row[2 + i];
            switch (format) {
                case F16 -> assertThat(got).isEqualTo(StoredTensor.halfToFloat(Narrowing.toHalf(stored[i])));
                case BF16 -> assertThat(got).isEqualTo(Float.intBitsToFloat(Narrowing.toBfloat16(stored[i]) << 16));
                case INT8 -> assertThat(Math.abs(got - stored[i])).isLessThanOrEqualTo(0.501f * largest / 127);
                // A group's range of at most twice the largest in 15 steps, its ends moved by up to 4 % of it.
                case INT4 -> assertThat(Math.abs(got - stored[i])).isLessThanOrEqualTo(0.15f * largest);
                default -> assertThat(got).isEqualTo(stored[i]);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("matrices")
    void manyThreadsGetTheirOwnProducts(WeightFormat format, Origin origin) throws IOException {
        int in = 515;
        try (Loaded loaded = load(format, origin, 70, in)) {
            float[] w = widened(loaded.matrix());
            List<float[]> inputs = IntStream.range(0, 24)
                    .mapToObj(i -> gaussian(ROWS[i % 8] * in))
                    .toList();
            inputs.parallelStream().forEach(x -> check(loaded.matrix(), format, w, x, x.length / in));
        }
    }

    /** A product of many rows is computed in blocks of weights where they have to be widened for it: here in two. */
    @ParameterizedTest
    @EnumSource(names = "AUTO", mode = EnumSource.Mode.EXCLUDE)
    void theSecondBlockIsWhereItBelongs(WeightFormat format) throws IOException {
        int in = 4100;
        int out = 560;
        int rows = 7;
        assertThat(Gemm.suits(rows, out, in)).isTrue();
        assertThat(Gemm.blockRows(out, in)).isBetween(out / 2, out - 32);
        try (Loaded loaded = load(format, Origin.CONVERTED, out, in)) {
            check(loaded.matrix(), format, widened(loaded.matrix()), gaussian(rows * in), rows);
        }
    }

    private static float[] product(WeightMatrix matrix, float[] x, int rows) {
        float[] y = new float[rows * matrix.outFeatures()];
        Arrays.fill(y, Float.NaN);
        matrix.multiply(x, rows, y);
        return y;
    }

    private static float[] widened(WeightMatrix matrix) {
        int in = matrix.inFeatures();
        float[] w = new float[matrix.outFeatures() * in];
        for (int row = 0; row < matrix.outFeatures(); row++) {
            matrix.copyRow(row, w, row * in);
        }
        return w;
    }

    /**
     * Against sums in double: each term goes through at most in + 16 roundings, and inputs to 4 bits are rounded to 8 bits in
     * groups, each by half a step of its largest / 127 at most.
     */
    private static void check(WeightMatrix matrix, WeightFormat format, float[] w, float[] x, int rows) {
        int out = matrix.outFeatures();
        int in = matrix.inFeatures();
        float[] y = product(matrix, x, rows);
        for (int r = 0; r < rows; r++) {
            double largest = 0;
            for (int i = 0; i < in; i++) {
                largest = Math.max(largest, Math.abs(x[r * in + i]));
            }
            double half = format == WeightFormat.INT4 ? 0.501 * largest / 127 : 0;
            for (int o = 0; o < out; o++) {
                double sum = 0;
                double size = 0;
                double weights = 0;
                for (int i = 0; i < in; i++) {
                    double term = (double) x[r * in + i] * w[o * in + i];
                    sum += term;
                    size += Math.abs(term);
                    weights += Math.abs(w[o * in + i]);
                }
                double bound = (in + 16) * 0x1p-24 * size + half * weights + 1e-12;
                // An assertion for each of millions of floats would take long.
                if (!(Math.abs(y[r * out + o] - sum) <= bound)) {
                    assertThat((double) y[r * out + o])
                            .as("%s [%d, %d] x %d rows, [%d, %d]", format, out, in, rows, r, o)
                            .isEqualTo(sum);
                }
            }
        }
    }

    private float[] gaussian(int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** A matrix, the float32 values it was made of, and what its memory belongs to. */
    private record Loaded(WeightMatrix matrix, float[] values, Runnable owner) implements AutoCloseable {
        @Override
        public void close() {
            owner.run();
        }
    }

    private Loaded load(WeightFormat format, Origin origin, int out, int in) throws IOException {
        float[] values = gaussian(out * in);
        if (origin == Origin.HEAP) {
            WeightMemory memory = new WeightMemory();
            return new Loaded(WeightMatrix.of(memory, values, out, in), values, memory::close);
        }
        // What is kept as float32 by conversion must have been narrower, or nothing would be converted.
        boolean toFloat32 = origin == Origin.CONVERTED && format == WeightFormat.F32;
        if (toFloat32) {
            for (int i = 0; i < values.length; i++) {
                values[i] = StoredTensor.halfToFloat(Narrowing.toHalf(values[i]));
            }
        }
        Path file = Files.createTempDirectory(directory, "checkpoint");
        write(file, toFloat32 ? DType.F16 : DType.F32, values, out, in);
        if (origin == Origin.MAPPED && format != WeightFormat.F32) {
            Path narrow = Files.createTempDirectory(directory, "narrow");
            if (format == WeightFormat.INT8 || format == WeightFormat.INT4) {
                quantize(file, narrow, format, out, in);
            } else {
                write(narrow, DType.valueOf(format.name()), values, out, in);
            }
            file = narrow;
        }
        Checkpoint checkpoint = Checkpoint.open(file);
        WeightFormat wanted = origin == Origin.MAPPED ? WeightFormat.AUTO : format;
        return new Loaded(WeightMatrix.load(checkpoint.root(wanted), NAME, out, in), values, checkpoint::close);
    }

    private static void write(Path folder, DType dtype, float[] values, int out, int in) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            switch (dtype) {
                case F16 -> bytes.putShort(Narrowing.toHalf(value));
                case BF16 -> bytes.putShort(Narrowing.toBfloat16(value));
                default -> bytes.putFloat(value);
            }
        }
        SafetensorsWriter.write(
                folder,
                List.of(new Planned(NAME, dtype, new long[] {out, in})),
                Long.MAX_VALUE,
                (tensor, file) -> SafetensorsWriter.writeFully(file, bytes.flip()));
    }

    private static void quantize(Path from, Path to, WeightFormat format, int out, int in) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(from);
                WeightMemory memory = new WeightMemory()) {
            Iterator<ByteBuffer> parts =
                    Quantizer.quantize(checkpoint.tensor(NAME), format, memory).iterator();
            SafetensorsWriter.write(
                    to,
                    Quantizer.plan(format, NAME, out, in),
                    Long.MAX_VALUE,
                    (tensor, file) -> SafetensorsWriter.writeFully(file, parts.next()));
        }
    }
}
