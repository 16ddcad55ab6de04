/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.Arithmetic;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.TestFiles;
import io.github.blip2java.checkpoint.WeightFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Products of the shapes that a full-size model has, with weights that come from memory as they do there: several matrices
 * take turns, together larger than any cache. docs/performance.md says how to run it.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 1,
        jvmArgsAppend = {"-Xmx2g", "--add-modules", "jdk.incubator.vector"})
public class ProductBenchmark {
    private static final long TOGETHER = 200L << 20;

    /** How the matrices are kept. */
    @Param({"F32", "F16", "BF16", "INT8", "INT4"})
    public WeightFormat format;

    /** How floats are multiplied where there are many rows. */
    @Param("F32")
    public Arithmetic arithmetic;

    /** Rows of activations, columns and rows of the matrix. */
    @Param({"1x2560x10240", "5x2560x10240", "36x2560x10240", "257x1408x6144"})
    public String shape;

    private Path directory;
    private Checkpoint checkpoint;
    private WeightMatrix[] matrices;
    private int rows;
    private float[] x;
    private float[] y;
    private int next;

    /** Made by JMH. */
    public ProductBenchmark() {}

    /** Writes a matrix and loads it as often as needed. */
    @Setup
    public void load() throws IOException {
        String[] sizes = shape.split("x");
        rows = Integer.parseInt(sizes[0]);
        int in = Integer.parseInt(sizes[1]);
        int out = Integer.parseInt(sizes[2]);
        directory = Files.createTempDirectory("products");
        TestFiles.floats(
                directory.resolve("model.safetensors"), Map.of("w", gaussian(out * in)), Map.of("w", new long[] {out, in
                }));
        int bits = switch (format) {
            case INT8 -> 8;
            case INT4 -> 5;
            case F32 -> 32;
            default -> 16;
        };
        matrices = new WeightMatrix[(int) (TOGETHER * 8 / ((long) bits * out * in) + 1)];
        checkpoint = Checkpoint.open(directory);
        for (int i = 0; i < matrices.length; i++) {
            matrices[i] = WeightMatrix.load(checkpoint.root(format, arithmetic), "w", out, in);
        }
        x = gaussian(rows * in);
        y = new float[rows * out];
    }

    private static float[] gaussian(int n) {
        Random random = new Random(5);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** Deletes the file. */
    @TearDown
    public void delete() throws IOException {
        checkpoint.close();
        Files.delete(directory.resolve("model.safetensors"));
        Files.delete(directory);
    }

    /** One product. */
    @Benchmark
    public float[] product() {
        matrices[next++ % matrices.length].multiply(x, rows, y);
        return y;
    }
}
