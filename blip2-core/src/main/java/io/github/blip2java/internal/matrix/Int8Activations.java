/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.kernel.Scratch;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Many rows of activations, rounded to as many bits as {@link Int8Inputs} says, with a scale for each row, for products in
 * whole numbers.
 *
 * <p>Transformers have a few features whose values are tens of times larger than all others (Dettmers et al. 2022,
 * LLM.int8(), arXiv 2208.07339, section 3); one of them would leave the rest of its row few steps. So such columns stay
 * float32 and are multiplied apart, as that paper does.
 */
final class Int8Activations implements AutoCloseable {
    private static final Kernels KERNELS = Kernels.get();

    /** A column is apart if it holds a value this many times the root mean square of x. Normal values stay below 6. */
    private static final float OUTLIER = 12;

    /** So many columns at most, the largest ones: more would cost more than the rest of the product. */
    private static final int MOST_OUTLIERS = 16;

    private static final Scratch<float[]> VALUES = Scratch.of(float[]::new);
    private static final Scratch<byte[]> ROUNDED = Scratch.of(byte[]::new);
    private static final Scratch<int[]> SUMS = Scratch.of(int[]::new);

    private final Int8Inputs inputs = Gemm.int8Inputs();
    private final float[] x;
    private final int rows;

    /** Rows of {@link #codes}: those of x and, where codes are moved, one more. */
    private final int codeRows;

    private final int in;
    private final NativeMemory codes;
    private final float[] scales;
    private final int[] outliers;

    /**
     * Rounds activations.
     *
     * @param x {@code [rows, in]}, used until closed
     */
    Int8Activations(float[] x, int rows, int in) {
        this.x = x;
        this.rows = rows;
        this.in = in;
        float[] highest = new float[rows];
        this.outliers = findOutliers(highest);
        this.scales = new float[rows];
        this.codeRows = inputs.unsigned() ? rows + 1 : rows;
        this.codes = NativeMemory.bytes(codeRows * in);
        ByteBuffer target = codes.asBytes();
        Parallel.forRange(rows, row -> {
            float most = outliers.length == 0 ? highest[row] : highestBesideOutliers(row);
            scales[row] = round(row, most, target);
        });
        if (inputs.unsigned()) {
            // A row of zeros: its products are what moving the codes has added to those of every other row.
            put(new byte[in], rows, target);
        }
    }

    /** Finds the columns to keep apart, and the largest magnitude of each row. */
    private int[] findOutliers(float[] highest) {
        double[] squares = new double[rows];
        Parallel.forRange(rows, row -> {
            highest[row] = KERNELS.largestMagnitude(x, row * in, in);
            squares[row] = KERNELS.dot(x, row * in, x, row * in, in);
        });
        float limit = OUTLIER * (float) Math.sqrt(Arrays.stream(squares).sum() / ((double) rows * in));
        int[] suspects =
                IntStream.range(0, rows).filter(row -> highest[row] > limit).toArray();
        if (suspects.length == 0) {
            return suspects;
        }
        float[] columns = new float[in];
        for (int row : suspects) {
            for (int i = 0; i < in; i++) {
                columns[i] = Math.max(columns[i], Math.abs(x[row * in + i]));
            }
        }
        return IntStream.range(0, in)
                .filter(i -> columns[i] > limit)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -columns[i]))
                .limit(MOST_OUTLIERS)
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private float highestBesideOutliers(int row) {
        float[] values = VALUES.get(in);
        System.arraycopy(x, row * in, values, 0, in);
        for (int column : outliers) {
            values[column] = 0;
        }
        return KERNELS.largestMagnitude(values, 0, in);
    }

    /** Writes the codes of one row; those of outliers are 0. */
    private float round(int row, float highest, ByteBuffer target) {
        float scale = highest / inputs.highest();
        byte[] rounded = ROUNDED.get(in);
        boolean representable = scale >= Float.MIN_NORMAL && scale <= Float.MAX_VALUE;
        if (representable) {
            KERNELS.roundToBytes(x, row * in, 1 / scale, rounded, in);
            for (int column : outliers) {
                rounded[column] = 0;
            }
        } else {
            Arrays.fill(rounded, 0, in, (byte) 0);
        }
        put(rounded, row, target);
        if (representable) {
            return scale;
        }
        // Nothing to multiply; a NaN or an infinity, which codes cannot hold, must stay visible in the result.
        return Float.isFinite(highest) ? 0 : Float.NaN;
    }

    private void put(byte[] rounded, int row, ByteBuffer target) {
        inputs.move(rounded, in);
        target.put(row * in, rounded, 0, in);
    }

    /**
     * Computes y[r, o] = x[r] · W[o].
     *
     * @param weights      signed bytes {@code [out, in]}, outside the heap
     * @param weightScales one for each row of the weights
     * @param out          rows of the weights
     * @param y            overwritten
     */
    void multiply(ByteBuffer weights, float[] weightScales, int out, Result y) {
        Gemm.forParts(out, (from, count) -> {
            ByteBuffer own = weights.slice(from * in, count * in);
            float[] ownScales = Arrays.copyOfRange(weightScales, from, from + count);
            multiplyBlock(own, ownScales, count, y.from(from));
        });
    }

    /** The same for a block of weights, as one product. */
    void multiplyBlock(ByteBuffer weights, float[] weightScales, int count, Result y) {
        float[][] apart = new float[outliers.length][count];
        Parallel.forRange(outliers.length, i -> {
            for (int o = 0; o < count; o++) {
                apart[i][o] = weights.get(o * in + outliers[i]) * weightScales[o];
            }
        });
        try (NativeMemory products = NativeMemory.floats(codeRows * count)) {
            IntBuffer sums = products.asBytes().asIntBuffer();
            if (!inputs.unsigned() && TurnedProduct.suits(rows)) {
                Gemm.provider().multiplyInt8(weights, false, count, codes.asBytes(), rows, in, sums);
                TurnedProduct.forEach(sums, count, rows, (row, from, n, own, at, step) -> {
                    for (int o = 0; o < n; o++) {
                        y.data()[y.at(row, from + o)] = own[at + o * step] * (scales[row] * weightScales[from + o]);
                    }
                    addOutliers(apart, row, from, n, y);
                });
                return;
            }
            Gemm.multiplyInt8(codes.asBytes(), codeRows, weights, count, in, sums);
            int[] added = new int[count];
            if (inputs.unsigned()) {
                sums.get(rows * count, added);
            }
            Parallel.forRange(rows, row -> {
                int[] own = SUMS.get(count);
                sums.get(row * count, own, 0, count);
                scale(own, added, scales[row], weightScales, y.data(), y.at(row, 0));
                addOutliers(apart, row, 0, count, y);
            });
        }
    }

    /** The last that is done to n columns of a row. */
    private void addOutliers(float[][] apart, int row, int from, int n, Result y) {
        for (int i = 0; i < outliers.length; i++) {
            addScaled(apart[i], from, n, x[row * in + outliers[i]], y.data(), y.at(row, from));
        }
        y.written(row, from, n);
    }

    private static void scale(int[] sums, int[] added, float scale, float[] weightScales, float[] y, int from) {
        for (int o = 0; o < added.length; o++) {
            y[from + o] = (sums[o] - added[o]) * (scale * weightScales[o]);
        }
    }

    private static void addScaled(float[] column, int from, int n, float factor, float[] y, int to) {
        for (int o = 0; o < n; o++) {
            y[to + o] += factor * column[from + o];
        }
    }

    @Override
    public void close() {
        codes.close();
    }
}
