/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.OffHeap;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.kernel.Int4Rows;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.IntConsumer;

/**
 * Measures the thresholds of {@link Tuning} on this machine: products of a full-size feed-forward layer, with weights that take turns
 * and are larger together than most caches, so that they come from memory as in a model.
 */
public final class ThresholdMeter {
    /** How many formats are measured. */
    public static final int FORMATS = 5;

    private static final int IN = 2560;
    private static final int OUT = 10_240;
    private static final long TOGETHER = 256L << 20;
    private static final int MOST_ROWS = 8;
    private static final int WARM_UP = 6;
    private static final int RUNS = 9;

    /** Something smaller may be chance. */
    private static final double CLEARLY = 0.97;

    private ThresholdMeter() {}

    /**
     * A number that chooses who computes a product.
     *
     * @param name     its name in {@link Tuning}
     * @param meaning  what it says
     * @param used     what this process uses
     * @param measured what is best on this machine
     */
    public record Threshold(String name, String meaning, int used, int measured) {}

    /**
     * Measures.
     *
     * @param begun hears the number of each format that is begun, from 0 to {@value #FORMATS} - 1
     * @return all thresholds that depend on the machine
     */
    public static List<Threshold> measure(IntConsumer begun) {
        List<Threshold> thresholds = new ArrayList<>();
        List<WeightFormat> formats =
                List.of(WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16, WeightFormat.INT8, WeightFormat.INT4);
        for (WeightFormat format : formats) {
            begun.accept(formats.indexOf(format));
            thresholds.addAll(measure(format));
        }
        return thresholds;
    }

    private static List<Threshold> measure(WeightFormat format) {
        int bits = switch (format) {
            case F32 -> 32;
            case INT8 -> 8;
            case INT4 -> 5;
            default -> 16;
        };
        int count = (int) (TOGETHER * 8 / ((long) bits * IN * OUT) + 1);
        List<OffHeap> memory = new ArrayList<>();
        try {
            List<FewOrMany> matrices = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                matrices.add(matrix(format, memory));
            }
            return thresholds(format, matrices);
        } finally {
            memory.forEach(OffHeap::close);
        }
    }

    private static List<Threshold> thresholds(WeightFormat format, List<FewOrMany> matrices) {
        Random random = new Random(3);
        float[] x = new float[MOST_ROWS * IN];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        Result y = new Result(new float[MOST_ROWS * OUT], OUT, 0, Epilogue.NONE);
        double[] ours = new double[MOST_ROWS + 1];
        double[] together = new double[MOST_ROWS + 1];
        double[] library = new double[MOST_ROWS + 1];
        for (int rows = 1; rows <= MOST_ROWS; rows++) {
            int n = rows;
            double apart = micros(matrices, matrix -> matrix.multiplyFew(x, n, Integer.MAX_VALUE, y));
            together[n] = n == 1 ? apart : micros(matrices, matrix -> matrix.multiplyFew(x, n, 2, y));
            ours[n] = Math.min(apart, together[n]);
            together[n] /= apart;
            library[n] = Gemm.suits(n, OUT, IN)
                    ? micros(matrices, matrix -> matrix.multiplyMany(x, n, y))
                    : Double.MAX_VALUE;
        }
        int few = 1;
        while (few < MOST_ROWS && library[few + 1] > CLEARLY * ours[few + 1]) {
            few++;
        }
        int fewest = 2;
        while (fewest <= few && together[fewest] > 1) {
            fewest++;
        }
        String name = format.name().toLowerCase(Locale.ROOT);
        Map<String, Integer> used = Tuning.CHOSEN.values();
        return List.of(
                new Threshold(
                        name + ".fewRows",
                        "rows of activations that our kernels multiply, where the library would take longer",
                        used.get(name + ".fewRows"),
                        few),
                new Threshold(
                        name + ".together",
                        "rows of activations that are quicker together than one after the other",
                        Math.min(used.get(name + ".together"), MOST_ROWS + 1),
                        fewest <= few ? fewest : MOST_ROWS + 1));
    }

    /** What is to be timed. */
    @FunctionalInterface
    private interface Product {
        void compute(FewOrMany matrix);
    }

    private static double micros(List<FewOrMany> matrices, Product product) {
        double[] times = new double[RUNS];
        for (int run = -WARM_UP; run < RUNS; run++) {
            FewOrMany matrix = matrices.get(Math.floorMod(run, matrices.size()));
            long start = System.nanoTime();
            product.compute(matrix);
            if (run >= 0) {
                times[run] = (System.nanoTime() - start) / 1e3;
            }
        }
        Arrays.sort(times);
        return times[RUNS / 2];
    }

    /** Weights of no meaning and of usual size. */
    private static FewOrMany matrix(WeightFormat format, List<OffHeap> memory) {
        return switch (format) {
            case F32 -> new DenseMatrix(filled(4L * IN * OUT, 0xbf7fffffbf7fffffL, memory), DType.F32, OUT, IN);
            case F16 -> new DenseMatrix(filled(2L * IN * OUT, 0xbbffbbffbbffbbffL, memory), DType.F16, OUT, IN);
            case BF16 -> new DenseMatrix(filled(2L * IN * OUT, 0xbf7fbf7fbf7fbf7fL, memory), DType.BF16, OUT, IN);
            case INT8 ->
                new Int8Matrix(
                        filled((long) IN * OUT, -1, memory), filled(4L * OUT, 0x3f7fffff3f7fffffL, memory), OUT, IN);
            default -> {
                long blocks = (long) Int4Rows.blocks(IN) * OUT;
                yield new Int4Matrix(
                        filled(blocks * Int4Rows.BLOCK_BYTES, -1, memory),
                        filled(blocks * Int4Rows.BLOCK_GROUPS * 4, 0xbf7fbf7fbf7fbf7fL, memory),
                        OUT,
                        IN);
            }
        };
    }

    private static ByteBuffer filled(long size, long mask, List<OffHeap> memory) {
        OffHeap room = OffHeap.allocate(size);
        memory.add(room);
        ByteBuffer bytes = room.bytes().order(ByteOrder.LITTLE_ENDIAN);
        long state = size;
        for (int i = 0; i + 8 <= size; i += 8) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            bytes.putLong(i, Long.rotateLeft(state, 17) & mask);
        }
        return bytes;
    }
}
