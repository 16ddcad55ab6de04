/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.util.Arrays;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a layer does between its products, on one thread: one head's attention, and rows of a picture in ViT-g.
 * docs/performance.md says how to run it.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 1,
        jvmArgsAppend = {"-Xmx2g", "--add-modules", "jdk.incubator.vector"})
public class KernelsBenchmark {
    private static final Kernels KERNELS = Kernels.get();
    private static final int HEADS = 16;

    /** Queries, as many keys, and the width of a head: of a picture, of a prompt of OPT-2.7b. */
    @Param({"257x88", "36x80"})
    public String head;

    private int rows;
    private int headDim;
    private int width;
    private float[] q;
    private float[] kv;
    private float[] scores;
    private float[] x;
    private float[] y;
    private float[] weight;

    /** Made by JMH. */
    public KernelsBenchmark() {}

    /** Draws activations. */
    @Setup
    public void draw() {
        String[] sizes = head.split("x");
        rows = Integer.parseInt(sizes[0]);
        headDim = Integer.parseInt(sizes[1]);
        width = HEADS * headDim;
        Random random = new Random(1);
        q = gaussian(random, rows * headDim);
        kv = gaussian(random, rows * 2 * width);
        scores = new float[rows * rows];
        x = gaussian(random, rows * width);
        y = new float[rows * width];
        weight = gaussian(random, width);
    }

    private static float[] gaussian(Random random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** One head. */
    @Benchmark
    public float[] attention() {
        Arrays.fill(scores, 0);
        KERNELS.attention(
                new Rows(q, 0, headDim),
                rows,
                new Rows(kv, 0, 2 * width),
                new Rows(kv, width, 2 * width),
                rows,
                headDim,
                scores,
                new Rows(y, 0, width));
        return y;
    }

    /** The softmax of one head. */
    @Benchmark
    public float[] softmax() {
        for (int row = 0; row < rows; row++) {
            KERNELS.softmax(scores, row * rows, rows);
        }
        return scores;
    }

    /** All rows, copied first. */
    @Benchmark
    public float[] gelu() {
        System.arraycopy(x, 0, y, 0, x.length);
        for (int row = 0; row < rows; row++) {
            KERNELS.gelu(y, row * width, width);
        }
        return y;
    }

    /** All rows, copied first. */
    @Benchmark
    public float[] geluTanh() {
        System.arraycopy(x, 0, y, 0, x.length);
        for (int row = 0; row < rows; row++) {
            KERNELS.geluTanh(y, row * width, width);
        }
        return y;
    }

    /** All rows. */
    @Benchmark
    public float[] layerNorm() {
        for (int row = 0; row < rows; row++) {
            KERNELS.layerNorm(x, row * width, width, weight, weight, 1e-6f, y, row * width);
        }
        return y;
    }
}
