/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kernels of this run, against plain double arithmetic. The build runs it with the Vector API and without. */
@Tag("arithmetic")
class KernelsTest {
    private static final Kernels KERNELS = Kernels.get();
    private static final int LONGEST = 140;
    private static final int OFFSET = 3;
    private static final float GUARD = 12345f;

    private final Random random = new Random(7);

    private float[] values(int n, double scale) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (random.nextGaussian() * scale);
        }
        return values;
    }

    @Test
    void theRunUsesTheKernelsItIsMeantToTest() {
        boolean vector = Boolean.getBoolean("blip2.test.vector");
        assertThat(Kernels.description()).startsWith(vector ? "Vector API kernels" : "scalar kernels");
    }

    @Test
    void dot() {
        for (int n = 0; n <= LONGEST; n++) {
            float[] a = values(n + OFFSET, 1);
            float[] b = values(n + 1, 1);
            double expected = 0;
            double size = 0;
            for (int i = 0; i < n; i++) {
                expected += (double) a[OFFSET + i] * b[1 + i];
                size += Math.abs((double) a[OFFSET + i] * b[1 + i]);
            }
            assertThat((double) KERNELS.dot(a, OFFSET, b, 1, n))
                    .as("n = %d", n)
                    .isCloseTo(expected, Offset.offset(n * 0x1p-24 * size + 1e-12));
        }
    }

    @Test
    void equalCallsGiveEqualBitsBeforeAndAfterTheyAreCompiled() {
        int n = 1000;
        float[] x = values(5 * n, 1);
        byte[] halves = new byte[2 * 12 * n];
        random.nextBytes(halves);
        for (int i = 1; i < halves.length; i += 2) {
            halves[i] &= (byte) 0xbb; // finite
        }
        StoredRows weights = new StoredRows(direct(halves), n, 0, 12);
        float[] first = new float[5 * 12 + 3];
        float[] later = new float[first.length];
        for (int call = 0; call <= 4096; call++) {
            float[] y = call == 0 ? first : later;
            KERNELS.f16().multiply(weights, KERNELS.fewRows(x, 5, n, 2), y, 12);
            y[60] = KERNELS.dot(x, 0, x, n, n);
            float[] normed = new float[n];
            KERNELS.layerNorm(x, 0, n, x, x, 1e-5f, normed, 0);
            y[61] = normed[7];
            KERNELS.softmax(normed, 0, n);
            y[62] = normed[7];
            if (call > 0 && Integer.bitCount(call) == 1) {
                assertThat(later).as("call %d", call).containsExactly(first);
            }
        }
    }

    @Test
    void add() {
        for (int n = 0; n <= LONGEST; n++) {
            float[] x = values(n + OFFSET, 1);
            float[] y = values(n + 2, 1);
            float[] expected = y.clone();
            for (int i = 0; i < n; i++) {
                expected[1 + i] += x[OFFSET + i];
            }
            KERNELS.add(x, OFFSET, y, 1, n);
            assertThat(y).as("n = %d", n).containsExactly(expected);
        }
    }

    @Test
    void everyBfloat16AndHalfWidensExactly() {
        short[] bits = new short[65536];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = (short) i;
        }
        float[] wide = new float[bits.length];
        KERNELS.widenBf16(bits, wide, 0, bits.length);
        float[] half = new float[bits.length + 1];
        KERNELS.widenF16(bits, half, 1, bits.length);
        for (int i = 0; i < bits.length; i++) {
            assertThat(Float.floatToRawIntBits(wide[i])).isEqualTo(i << 16);
            int exponent = i >> 10 & 31;
            int mantissa = i & 1023;
            double magnitude = exponent == 31
                    ? (mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
                    : exponent == 0 ? mantissa * 0x1p-24 : (1024 + mantissa) * Math.scalb(1.0, exponent - 25);
            assertThat(Float.compare(half[i + 1], (float) (i >= 0x8000 ? -magnitude : magnitude)))
                    .as("half %x", i)
                    .isZero();
        }
    }

    @Test
    void widensAnyLength() {
        short[] bits = {
            0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700, 0x4800, 0x4880, 0x4900, 0x4980, 0x4a00, 0x4a80,
            0x4b00, 0x4b80, 0x4c00, 0x4c40, 0x4c80
        };
        for (int n = 0; n <= bits.length; n++) {
            float[] out = new float[n + 2];
            out[n + 1] = GUARD;
            KERNELS.widenF16(bits, out, 1, n);
            for (int i = 0; i < n; i++) {
                assertThat(out[i + 1]).isEqualTo(i + 1f);
            }
            assertThat(out[n + 1]).isEqualTo(GUARD);
        }
    }

    @Test
    void weightsAreReadWhereTheyLieOnNewJava() {
        boolean newer =
                Boolean.getBoolean("blip2.test.vector") && Runtime.version().feature() >= 19;
        assertThat(KERNELS.readInPlace()).isEqualTo(newer);
    }

    @Test
    void fewRowsTimesStoredRows() {
        int out = 12;
        for (int n : lengths()) {
            for (int rows : new int[] {1, 2, 3, 4, 5, 6, 13}) {
                float[] x = values(rows * n, 1);
                FewRows few = KERNELS.fewRows(x, rows, n, 2);
                float[][] stored = new float[3][out * n];
                ByteBuffer[] bytes = new ByteBuffer[3];
                for (int type = 0; type < 3; type++) {
                    bytes[type] = ByteBuffer.allocateDirect(out * n * 4).order(ByteOrder.LITTLE_ENDIAN);
                }
                for (int i = 0; i < out * n; i++) {
                    short half = (short) (random.nextInt(0x7c00) | random.nextInt(2) << 15); // subnormal ones too
                    short bfloat = (short) (0x3f00 | random.nextInt() & 0x80ff);
                    stored[0][i] = random.nextFloat() - 0.5f;
                    stored[1][i] = ScalarFormat.half(half);
                    stored[2][i] = Float.intBitsToFloat(bfloat << 16);
                    bytes[0].putFloat(4 * i, stored[0][i]);
                    bytes[1].putShort(2 * i, half);
                    bytes[2].putShort(2 * i, bfloat);
                }
                for (int type = 0; type < 3; type++) {
                    float[] y = new float[rows * out];
                    Arrays.fill(y, GUARD);
                    StoredRows some = new StoredRows(bytes[type], n, 1, 11);
                    WeightKernel kernel = List.of(KERNELS.f32(), KERNELS.f16(), KERNELS.bf16())
                            .get(type);
                    kernel.multiply(some, few, y, out);
                    float[] wide = new float[n + 2];
                    Arrays.fill(wide, GUARD);
                    kernel.widen(some, 10, wide, 1);
                    assertThat(Arrays.copyOfRange(wide, 1, n + 1))
                            .containsExactly(Arrays.copyOfRange(stored[type], 10 * n, 11 * n));
                    assertThat(wide[0]).isEqualTo(GUARD);
                    assertThat(wide[n + 1]).isEqualTo(GUARD);
                    for (int r = 0; r < rows; r++) {
                        assertThat(y[r * out]).isEqualTo(GUARD);
                        assertThat(y[r * out + 11]).isEqualTo(GUARD);
                        for (int o = 1; o < 11; o++) {
                            double sum = 0;
                            double size = 0;
                            for (int i = 0; i < n; i++) {
                                sum += (double) x[r * n + i] * stored[type][o * n + i];
                                size += Math.abs((double) x[r * n + i] * stored[type][o * n + i]);
                            }
                            assertThat((double) y[r * out + o])
                                    .as("type %d, n = %d, rows = %d", type, n, rows)
                                    .isCloseTo(sum, within(n * 0x1p-24 * size + 1e-12));
                        }
                    }
                }
            }
        }
    }

    /** All short ones, and one that is longer than the nearest cache. */
    private static int[] lengths() {
        return IntStream.concat(IntStream.rangeClosed(1, LONGEST), IntStream.of(8195))
                .toArray();
    }

    @ParameterizedTest
    @CsvSource({"1, 100", "5, 100", "1, 8200", "5, 8200"})
    void anInfiniteHalfStaysInfinite(int rows, int n) {
        float[] ones = new float[rows * n];
        Arrays.fill(ones, 1f);
        ByteBuffer bytes = ByteBuffer.allocateDirect(2 * 4 * n).order(ByteOrder.LITTLE_ENDIAN);
        float[] y = new float[4 * rows];
        StoredRows both = new StoredRows(bytes, n, 0, 4);
        bytes.putShort(2 * (n + 40), (short) 0xfc00);
        KERNELS.f16().multiply(both, KERNELS.fewRows(ones, rows, n, 2), y, 4);
        for (int i = 0; i < y.length; i++) {
            assertThat(y[i]).isEqualTo(i % 4 != 1 ? 0 : Float.NEGATIVE_INFINITY);
        }
        bytes.putShort(2 * (n + 41), (short) 0x7c00);
        KERNELS.f16().multiply(both, KERNELS.fewRows(ones, rows, n, 2), y, 4);
        for (int i = 0; i < y.length; i++) {
            assertThat(y[i]).isEqualTo(i % 4 != 1 ? Float.valueOf(0) : Float.valueOf(Float.NaN));
        }
    }

    @Test
    void layerNormAndRmsNorm() {
        for (int n = 1; n <= LONGEST; n++) {
            float[] x = values(n + OFFSET, 2);
            float[] weight = values(n, 1);
            float[] bias = values(n, 1);
            double mean = 0;
            double meanSquare = 0;
            for (int i = 0; i < n; i++) {
                mean += x[OFFSET + i] / (double) n;
                meanSquare += (double) x[OFFSET + i] * x[OFFSET + i] / n;
            }
            double variance = 0;
            for (int i = 0; i < n; i++) {
                variance += (x[OFFSET + i] - mean) * (x[OFFSET + i] - mean) / n;
            }
            float[] normed = new float[n + 1];
            KERNELS.layerNorm(x, OFFSET, n, weight, bias, 1e-5f, normed, 1);
            float[] bare = new float[n];
            KERNELS.layerNorm(x, OFFSET, n, null, null, 1e-5f, bare, 0);
            float[] rms = new float[n];
            KERNELS.rmsNorm(x, OFFSET, n, weight, 1e-6f, rms, 0);
            for (int i = 0; i < n; i++) {
                double plain = (x[OFFSET + i] - mean) / Math.sqrt(variance + 1e-5);
                assertThat((double) normed[i + 1]).isCloseTo(plain * weight[i] + bias[i], within(2e-6));
                assertThat((double) bare[i]).isCloseTo(plain, within(2e-6));
                assertThat((double) rms[i])
                        .isCloseTo(x[OFFSET + i] / Math.sqrt(meanSquare + 1e-6) * weight[i], within(2e-6));
            }
        }
    }

    private static org.assertj.core.data.Offset<Double> within(double tolerance) {
        return Offset.offset(tolerance);
    }

    @Test
    void softmax() {
        for (int n = 1; n <= LONGEST; n++) {
            float[] x = values(n + OFFSET, 5);
            x[OFFSET + random.nextInt(n)] = Float.NEGATIVE_INFINITY;
            x[OFFSET] = 3;
            double sum = 0;
            for (int i = 0; i < n; i++) {
                sum += Math.exp(x[OFFSET + i]);
            }
            float[] probabilities = x.clone();
            KERNELS.softmax(probabilities, OFFSET, n);
            for (int i = 0; i < n; i++) {
                assertThat((double) probabilities[OFFSET + i]).isCloseTo(Math.exp(x[OFFSET + i]) / sum, within(3e-7));
            }
        }
    }

    @Test
    void softmaxOfHugeScoresAndOfNothing() {
        float[] huge = new float[40];
        huge[5] = 3e38f;
        KERNELS.softmax(huge, 0, 40);
        assertThat(huge[5]).isEqualTo(1f);
        float[] hidden = new float[40];
        Arrays.fill(hidden, Float.NEGATIVE_INFINITY);
        KERNELS.softmax(hidden, 0, 40);
        assertThat(hidden).containsOnly(0f);
    }

    private void elementwise(DoubleUnaryOperator expected, double relative, Consumer<float[]> kernel) {
        float[] x = new float[4001];
        for (int i = 0; i < x.length; i++) {
            x[i] = (i - 2000) / 100f;
        }
        float[] y = x.clone();
        kernel.accept(y);
        for (int i = 0; i < x.length; i++) {
            double want = expected.applyAsDouble(x[i]);
            assertThat((double) y[i]).as("f(%s)", x[i]).isCloseTo(want, within(Math.abs(want) * relative + 1e-7));
        }
    }

    /** erf by a series of positive terms, exact to double. */
    private static double erf(double x) {
        double term = x * Math.exp(-x * x);
        double sum = 0;
        for (int n = 0; n < 500; n++) {
            sum += term;
            term *= 2 * x * x / (2 * n + 3);
        }
        return sum * 2 / Math.sqrt(Math.PI);
    }

    @Test
    void activations() {
        elementwise(x -> 0.5 * x * (1 + erf(x / Math.sqrt(2))), 6e-7, x -> KERNELS.gelu(x, 0, x.length));
        elementwise(
                x -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
                6e-7,
                x -> KERNELS.geluTanh(x, 0, x.length));
        elementwise(x -> x / (1 + Math.exp(-x)), 6e-7, x -> KERNELS.sigmoidGate(x, 0, x.length, 1f));
        elementwise(x -> x / (1 + Math.exp(-1.702f * x)), 6e-7, x -> KERNELS.sigmoidGate(x, 0, x.length, 1.702f));
        elementwise(x -> Math.max(0, x), 0, x -> KERNELS.relu(x, 0, x.length));
    }

    /** However a row is cut into pieces for threads, each number comes out with the same bits; infinities and NaN as they should. */
    @Test
    void activationsDoNotDependOnTheirPlace() {
        List<Consumer<float[]>> kernels = List.of(
                x -> KERNELS.gelu(x, 0, x.length),
                x -> KERNELS.geluTanh(x, 0, x.length),
                x -> KERNELS.sigmoidGate(x, 0, x.length, 1.702f),
                x -> KERNELS.relu(x, 0, x.length));
        for (Consumer<float[]> kernel : kernels) {
            float[] x = values(100, 3);
            float[] whole = x.clone();
            kernel.accept(whole);
            for (int from = 0, n = 1; from < x.length; from += n, n = Math.min(n + 1, x.length - from)) {
                float[] piece = Arrays.copyOfRange(x, from, from + n);
                kernel.accept(piece);
                assertThat(piece).isEqualTo(Arrays.copyOfRange(whole, from, from + n));
            }
            float[] extremes = {Float.NaN, Float.POSITIVE_INFINITY, Float.MAX_VALUE, -Float.MAX_VALUE, -1000, 1000, 0};
            kernel.accept(extremes);
            assertThat(extremes[0]).isNaN();
            assertThat(extremes[1]).isInfinite();
            assertThat(extremes[2]).isEqualTo(Float.MAX_VALUE);
            assertThat(extremes[3]).isZero();
            assertThat(extremes[4]).isZero();
            assertThat(extremes[5]).isEqualTo(1000);
            assertThat(extremes[6]).isZero();
        }
    }

    @Test
    void activationsKeepWithinTheirRange() {
        float[] x = values(100, 1);
        float[] before = x.clone();
        KERNELS.gelu(x, 7, 50);
        for (int i = 0; i < 100; i++) {
            if (i < 7 || i >= 57) {
                assertThat(x[i]).isEqualTo(before[i]);
            }
        }
    }

    @Test
    void attention() {
        int[][] sizes = {
            {1, 1, 1}, {1, 7, 64}, {3, 5, 9}, {4, 33, 11}, {5, 64, 88}, {6, 2, 33}, {9, 130, 80}, {17, 31, 40}
        };
        for (int[] size : sizes) {
            int queries = size[0];
            int keys = size[1];
            int dim = size[2];
            Rows q = new Rows(values(queries * (dim + 2) + 1, 0.5), 1, dim + 2);
            Rows k = new Rows(values(keys * (dim + 3) + 2, 0.5), 2, dim + 3);
            Rows v = new Rows(values(keys * (dim + 3) + 2, 1), 0, dim + 3);
            float[] scores = values(queries * keys, 1);
            scores[queries * keys - 1] = keys > 1 ? Float.NEGATIVE_INFINITY : 0;
            float[] bias = scores.clone();
            Rows out = new Rows(values(queries * (dim + 1) + 1, 1), 1, dim + 1);
            KERNELS.attention(q, queries, k, v, keys, dim, scores, out);
            for (int i = 0; i < queries; i++) {
                double[] expected = expected(q, k, v, bias, i, keys, dim);
                for (int d = 0; d < dim; d++) {
                    assertThat((double) out.data()[out.row(i) + d])
                            .as("queries %d, keys %d, dim %d", queries, keys, dim)
                            .isCloseTo(expected[d], within(5e-6));
                }
            }
        }
    }

    private static double[] expected(Rows q, Rows k, Rows v, float[] bias, int i, int keys, int dim) {
        double[] weights = new double[keys];
        double sum = 0;
        for (int j = 0; j < keys; j++) {
            double score = bias[i * keys + j];
            for (int d = 0; d < dim; d++) {
                score += (double) q.data()[q.row(i) + d] * k.data()[k.row(j) + d];
            }
            weights[j] = Math.exp(score);
            sum += weights[j];
        }
        double[] out = new double[dim];
        for (int j = 0; j < keys; j++) {
            for (int d = 0; d < dim; d++) {
                out[d] += weights[j] / sum * v.data()[v.row(j) + d];
            }
        }
        return out;
    }

    @Test
    void aQueryThatSeesNothingGivesZeros() {
        float[] scores = new float[2 * 5];
        Arrays.fill(scores, Float.NEGATIVE_INFINITY);
        Rows rows = new Rows(values(5 * 8, 1), 0, 8);
        float[] out = values(2 * 8, 1);
        KERNELS.attention(rows, 2, rows, rows, 5, 8, scores, new Rows(out, 0, 8));
        assertThat(out).containsOnly(0f);
    }

    @Test
    void eightBitsEqualTheScalarKernels() {
        Kernels scalar = new ScalarKernels();
        int out = 12;
        for (int n : lengths()) {
            byte[] codes = new byte[out * n];
            random.nextBytes(codes);
            StoredRows some = new StoredRows(direct(codes), n, 1, 11);
            float[] x = values(6 * n, 1);
            for (int rows : new int[] {1, 6}) {
                float[] expected = new float[rows * out];
                float[] y = new float[rows * out];
                scalar.int8().multiply(some, scalar.fewRows(x, rows, n, 2), expected, out);
                KERNELS.int8().multiply(some, KERNELS.fewRows(x, rows, n, 2), y, out);
                for (int i = 0; i < y.length; i++) {
                    int o = i % out;
                    double size = 0;
                    for (int c = 0; c < n; c++) {
                        size += Math.abs((double) x[i / out * n + c] * codes[o * n + c]);
                    }
                    // In whatever order, a term goes through at most n roundings of 2^-24: its product and n - 1 sums.
                    // Each
                    // of the two may be off by that, in opposite directions.
                    double bound = n * 0x1p-23 * size;
                    assertThat((double) y[i]).as("n = %d", n).isCloseTo(expected[i], within(bound));
                }
            }
            float[] wide = new float[n + 2];
            wide[n + 1] = GUARD;
            KERNELS.int8().widen(some, 10, wide, 1);
            for (int i = 0; i < n; i++) {
                assertThat(wide[1 + i]).isEqualTo(codes[10 * n + i]);
            }
            assertThat(wide[n + 1]).isEqualTo(GUARD);
        }
    }

    @Test
    void largestMagnitudeAndRoundingToBytes() {
        for (int n = 1; n <= LONGEST; n++) {
            float[] x = values(n + OFFSET, 30);
            x[OFFSET + random.nextInt(n)] = -127;
            float largest = 0;
            byte[] rounded = new byte[n + 1];
            rounded[n] = 99;
            for (int i = 0; i < n; i++) {
                x[OFFSET + i] = Math.max(-127, Math.min(127, x[OFFSET + i]));
                largest = Math.max(largest, Math.abs(x[OFFSET + i]));
            }
            assertThat(KERNELS.largestMagnitude(x, OFFSET, n))
                    .isEqualTo(largest)
                    .isEqualTo(127f);
            KERNELS.roundToBytes(x, OFFSET, 0.5f, rounded, n);
            for (int i = 0; i < n; i++) {
                assertThat(rounded[i]).isEqualTo((byte) Math.rint(x[OFFSET + i] * 0.5));
            }
            assertThat(rounded[n]).isEqualTo((byte) 99);
            x[OFFSET + random.nextInt(n)] = Float.NaN;
            assertThat(KERNELS.largestMagnitude(x, OFFSET, n)).isNaN();
        }
    }

    @Test
    void fourBitsEqualTheScalarKernels() {
        Kernels scalar = new ScalarKernels();
        for (int in : new int[] {1, 32, 500, 512, 1025}) {
            int blocks = Int4Rows.blocks(in);
            byte[] codes = new byte[4 * blocks * Int4Rows.BLOCK_BYTES];
            random.nextBytes(codes);
            short[] scalesOffsets = new short[4 * 2 * blocks * Int4Rows.BLOCK_GROUPS];
            for (int i = 0; i < scalesOffsets.length; i++) {
                scalesOffsets[i] = (short) (0x3f00 | random.nextInt(0x100) | random.nextInt(2) << 15);
            }
            Int4Rows weights = new Int4Rows(codes, scalesOffsets, blocks);
            for (int row = 0; row < 3; row++) {
                float[] expected = new float[blocks * Int4Rows.BLOCK];
                float[] wide = new float[blocks * Int4Rows.BLOCK + 2];
                wide[wide.length - 1] = GUARD;
                scalar.int4().widen(weights, row, expected, 0);
                KERNELS.int4().widen(weights, row, wide, 1);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(wide[1 + i]).isCloseTo(expected[i], Offset.offset(4e-6f));
                }
                assertThat(wide[wide.length - 1]).isEqualTo(GUARD);
                short[] narrow = new short[expected.length / 2 + 1];
                short[] scalarNarrow = new short[narrow.length];
                narrow[narrow.length - 1] = scalarNarrow[narrow.length - 1] = 99;
                float highest = weights.highest(row);
                KERNELS.int4().narrow(weights, row, highest, narrow);
                scalar.int4().narrow(weights, row, highest, scalarNarrow);
                assertThat(narrow).isEqualTo(scalarNarrow);
                for (int i = 0; i < expected.length; i++) {
                    int place = Int4Rows.bytePlace(i);
                    byte code = (byte) (narrow[place / 2] >> place % 2 * Byte.SIZE);
                    // Half a code, and of fifteen scales and an offset the roundings to 1/256.
                    assertThat(code * highest / 127)
                            .isCloseTo(
                                    expected[Int4Rows.place(i)],
                                    Offset.offset((0.5f + 16 * 0.502f / 256) * highest / 127));
                }
                float[] x = values(in, 1);
                float[] reordered = new float[expected.length + 1];
                Arrays.fill(reordered, Float.NaN);
                Int4Rows.inBytePlaces(x, 0, in, reordered, 1);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(reordered[1 + Int4Rows.bytePlace(i)]).isEqualTo(i < in ? x[i] : 0);
                }
            }
            StoredInt4Rows some = new StoredInt4Rows(direct(codes), direct(scalesOffsets), blocks, 1, 4);
            for (int rows = 1; rows <= 8; rows++) {
                float[] x = values(rows * in, 1);
                Int4Activations inputs = Int4Activations.of(x, rows, in, 2);
                float[] expected = new float[rows * 5];
                float[] y = new float[rows * 5];
                scalar.int4().multiply(some, inputs, expected, 5);
                KERNELS.int4().multiply(some, inputs, y, 5);
                assertThat(y).containsExactly(expected, Offset.offset(1e-3f * (float) Math.sqrt(in)));
                float[] wide = new float[blocks * Int4Rows.BLOCK];
                for (int o = 1; o < 4; o++) {
                    scalar.int4().widen(weights, o, wide, 0);
                    for (int r = 0; r < rows; r++) {
                        double sum = 0;
                        double rounding = 1e-3;
                        for (int from = 0; from < in; from += Int4Rows.GROUP) {
                            int n = Math.min(Int4Rows.GROUP, in - from);
                            double step = scalar.largestMagnitude(x, r * in + from, n) / 127;
                            for (int i = from; i < from + n; i++) {
                                sum += (double) x[r * in + i] * wide[Int4Rows.place(i)];
                                rounding += Math.abs(0.501 * step * wide[Int4Rows.place(i)]);
                            }
                        }
                        assertThat((double) y[r * 5 + o]).as("rows = %d", rows).isCloseTo(sum, within(rounding));
                    }
                }
            }
        }
    }

    @Test
    void largestFourBitProductsDoNotOverflow() {
        byte[] codes = new byte[Int4Rows.BLOCK_BYTES];
        Arrays.fill(codes, (byte) 0xff);
        short[] scalesOffsets = new short[2 * Int4Rows.BLOCK_GROUPS];
        Arrays.fill(scalesOffsets, 0, Int4Rows.BLOCK_GROUPS, (short) 0x3f80);
        for (float x : new float[] {1, -1}) {
            float[] inputs = new float[6 * Int4Rows.BLOCK];
            Arrays.fill(inputs, x);
            float[] y = new float[6];
            StoredInt4Rows weights = new StoredInt4Rows(direct(codes), direct(scalesOffsets), 1, 0, 1);
            KERNELS.int4().multiply(weights, Int4Activations.of(inputs, 6, Int4Rows.BLOCK, 2), y, 1);
            for (float sum : y) {
                assertThat(sum).isCloseTo(15f * 512 * x, Offset.offset(0.01f));
            }
        }
    }

    private static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).clear();
    }

    private static ByteBuffer direct(short[] values) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asShortBuffer().put(values);
        return bytes;
    }
}
