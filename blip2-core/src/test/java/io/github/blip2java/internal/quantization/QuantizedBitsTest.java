/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.quantization;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.TestFiles;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.checkpoint.WeightMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Codes, scales and offsets are, to the bit, those of the definition, which is written down here in its plainest form. */
@Tag("arithmetic")
class QuantizedBitsTest {
    private static final String NAME = "w.weight";
    private static final int ROWS = 6;
    private static final int[] WIDTHS = {1, 2, 20, 31, 32, 33, 63, 64, 96, 129, 480, 512, 513, 544, 1000, 1408, 2560};

    private final Random random = new Random(23);

    @TempDir
    Path directory;

    /** What weights may look like. */
    enum Kind {
        GAUSSIAN {
            @Override
            float next(Random random, int i) {
                return (float) (random.nextGaussian() * 0.02);
            }
        },
        /** Many weights lie half-way between two codes. */
        HALVES {
            @Override
            float next(Random random, int i) {
                return Narrowing.toHalf((float) random.nextGaussian()) / 4096f;
            }
        },
        GRID {
            @Override
            float next(Random random, int i) {
                return (random.nextInt(61) - 30) / 4f;
            }
        },
        ZEROS_OF_BOTH_SIGNS {
            @Override
            float next(Random random, int i) {
                return random.nextBoolean() ? 0f : -0f;
            }
        },
        CONSTANT_GROUPS {
            @Override
            float next(Random random, int i) {
                return (i / 32 * 37 % 11 - 5) * 0.3f;
            }
        },
        /** Offsets in bfloat16 lie far beyond the range of the group, on either side. */
        FAR_FROM_ZERO {
            @Override
            float next(Random random, int i) {
                return 1000f + i / 32 + random.nextFloat() * 0.01f;
            }
        },
        OUTLIERS {
            @Override
            float next(Random random, int i) {
                return random.nextInt(40) == 0 ? random.nextFloat() * 1e6f : (float) random.nextGaussian();
            }
        },
        SUBNORMAL {
            @Override
            float next(Random random, int i) {
                return Float.intBitsToFloat(random.nextInt() & 0x800003ff);
            }
        },
        /** Scales are the smallest floats, and their inverses infinite. */
        TINY_IN_SOME_GROUPS {
            @Override
            float next(Random random, int i) {
                return i / 32 % 3 == 0 ? (random.nextInt(400) - 200) * Float.MIN_VALUE : random.nextFloat();
            }
        },
        LARGE {
            @Override
            float next(Random random, int i) {
                return (random.nextFloat() - 0.5f) * 3.4e38f;
            }
        },
        SQUARES_OVERFLOW {
            @Override
            float next(Random random, int i) {
                return (float) (random.nextGaussian() * 1e20);
            }
        },
        ANY_BITS {
            @Override
            float next(Random random, int i) {
                float value = Float.intBitsToFloat(random.nextInt());
                return Math.abs(value) < Float.MAX_VALUE / 2 ? value : 1f;
            }
        };

        /** Weight i of a row. */
        abstract float next(Random random, int i);
    }

    @ParameterizedTest
    @EnumSource
    void codesAndScalesAreThoseOfTheDefinition(Kind kind) throws IOException {
        for (int in : WIDTHS) {
            float[] values = new float[ROWS * in];
            for (int i = 0; i < values.length; i++) {
                values[i] = kind.next(random, i % in);
            }
            TestFiles.floats(
                    directory.resolve("model.safetensors"), Map.of(NAME, values), Map.of(NAME, new long[] {ROWS, in}));
            try (Checkpoint checkpoint = Checkpoint.open(directory);
                    WeightMemory memory = new WeightMemory()) {
                List<ByteBuffer> int8 = Quantizer.quantize(checkpoint.tensor(NAME), WeightFormat.INT8, memory);
                List<ByteBuffer> int4 = Quantizer.quantize(checkpoint.tensor(NAME), WeightFormat.INT4, memory);
                for (int row = 0; row < ROWS; row++) {
                    float[] weights = Arrays.copyOfRange(values, row * in, (row + 1) * in);
                    checkInt8(weights, row, int8);
                    checkInt4(weights, row, int4);
                }
            }
        }
    }

    private static void checkInt8(float[] weights, int row, List<ByteBuffer> parts) {
        int n = weights.length;
        float largest = 0;
        for (float weight : weights) {
            largest = Math.max(largest, Math.abs(weight));
        }
        float scale = largest / 127;
        assertThat(parts.get(1).getFloat(row * Float.BYTES)).isEqualTo(scale);
        byte[] expected = new byte[n];
        for (int i = 0; i < n && scale > 0; i++) {
            expected[i] = (byte) Math.max(-127, Math.min(127, Math.rint(weights[i] / scale)));
        }
        byte[] codes = new byte[n];
        parts.get(0).get(row * n, codes);
        assertThat(codes).as("row %d of %d", row, n).isEqualTo(expected);
    }

    /** Word 16 v + g of a block of 256 bytes holds weights 8 v to 8 v + 7 of its group g, the first in the lowest bits. */
    private static void checkInt4(float[] weights, int row, List<ByteBuffer> parts) {
        int n = weights.length;
        int blocks = (n + 511) / 512;
        byte[] expected = new byte[blocks * 256];
        short[] scales = new short[blocks * 16];
        short[] offsets = new short[blocks * 16];
        for (int group = 0; group * 32 < n; group++) {
            float[] values = Arrays.copyOfRange(weights, group * 32, Math.min(n, group * 32 + 32));
            Range range = best(values);
            scales[group] = Narrowing.toBfloat16(range.scale);
            offsets[group] = Narrowing.toBfloat16(range.offset);
            for (int i = 0; i < values.length; i++) {
                int at = group / 16 * 256 + (i / 8 * 16 + group % 16) * 4 + i % 8 / 2;
                expected[at] |= (byte) (range.code(values[i]) << i % 2 * 4);
            }
        }
        byte[] codes = new byte[expected.length];
        parts.get(0).get(row * codes.length, codes);
        for (int group = 0; group < scales.length; group++) {
            int at = (row * 2 * scales.length + group) * Short.BYTES;
            assertThat(parts.get(1).getShort(at))
                    .as("scale of group %d in row %d of %d", group, row, n)
                    .isEqualTo(scales[group]);
            assertThat(parts.get(1).getShort(at + scales.length * Short.BYTES))
                    .as("offset of group %d in row %d of %d", group, row, n)
                    .isEqualTo(offsets[group]);
        }
        assertThat(codes).as("row %d of %d", row, n).isEqualTo(expected);
    }

    /** Each end may move by 2 or 4 % of the width, first the lower one, to where the sum of the squared errors is least. */
    private static Range best(float[] values) {
        float low = values[0];
        float high = values[0];
        for (float value : values) {
            low = Math.min(low, value);
            high = Math.max(high, value);
        }
        float width = high - low;
        float bestLow = low;
        Range best = new Range(low, high);
        for (float move : new float[] {-0.04f, -0.02f, 0.02f, 0.04f}) {
            Range range = new Range(low + move * width, high);
            if (range.squaredError(values) < best.squaredError(values)) {
                best = range;
                bestLow = low + move * width;
            }
        }
        for (float move : new float[] {-0.04f, -0.02f, 0.02f, 0.04f}) {
            Range range = new Range(bestLow, high + move * width);
            if (range.squaredError(values) < best.squaredError(values)) {
                best = range;
            }
        }
        return best;
    }

    private static final class Range {
        final float offset;
        final float scale;
        final float inverse;

        Range(float low, float high) {
            offset = bfloat16(low);
            scale = bfloat16((high - offset) / 15);
            inverse = scale == 0 ? 0 : 1 / scale;
        }

        private static float bfloat16(float value) {
            return Float.intBitsToFloat(Narrowing.toBfloat16(value) << 16);
        }

        int code(float value) {
            return (int) (Math.max(0f, Math.min(15, (value - offset) * inverse)) + 0.5f);
        }

        float squaredError(float[] values) {
            float sum = 0;
            for (float value : values) {
                float error = code(value) * scale + offset - value;
                sum += error * error;
            }
            return sum;
        }
    }
}
