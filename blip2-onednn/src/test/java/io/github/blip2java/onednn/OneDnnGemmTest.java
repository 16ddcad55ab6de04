/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.internal.matrix.Gemm;
import io.github.blip2java.internal.matrix.GemmProvider;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("arithmetic")
class OneDnnGemmTest {
    /** Rows, input features, output features. Sums of more than 512 products go wrong in other layouts of weights. */
    private static final int[][] SHAPES = {{7, 1, 1}, {7, 31, 33}, {36, 513, 70}, {9, 2560, 33}, {40, 1408, 96}};

    private final GemmProvider gemm =
            ServiceLoader.load(GemmProvider.class).findFirst().orElseThrow();
    private final Random random = new Random(3);

    @Test
    void isFoundAndAvailable() {
        assertThat(gemm).isInstanceOf(OneDnnGemm.class);
        assertThat(gemm.isAvailable()).isTrue();
        assertThat(gemm.supports(DType.I8)).isFalse();
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void productsEqualSumsInDouble(DType dtype) {
        assertThat(gemm.isAvailable()).isTrue();
        assertThat(gemm.supports(dtype)).isTrue();
        for (int[] shape : SHAPES) {
            Product product = new Product(dtype, shape[0], shape[1], shape[2]);
            product.run();
            product.check();
        }
    }

    @Test
    void manyThreadsGetTheirOwnProducts() {
        assertThat(gemm.isAvailable()).isTrue();
        IntStream.range(0, 16).mapToObj(i -> new Product(DType.F16, 7 + i, 600, 50 + i)).toList().parallelStream()
                .peek(Product::run)
                .forEach(Product::check);
    }

    /** The form that was found exact here; signed bytes are not, where processors lack instructions for them. */
    @Test
    void bytesAreMultipliedExactly() {
        assertThat(gemm.isAvailable()).isTrue();
        assertThat(gemm.supportsInt8()).isTrue();
        boolean unsigned = Gemm.activationBits() == 7;
        for (int[] shape : SHAPES) {
            int rows = shape[0];
            int in = shape[1];
            int out = shape[2];
            ByteBuffer x = unsigned ? bytes(rows * in, 1, 127) : bytes(rows * in, -127, 127);
            ByteBuffer weights = bytes(out * in, -127, 127);
            IntBuffer y = direct(rows * out * Integer.BYTES).asIntBuffer();
            gemm.multiplyInt8(x, unsigned, rows, weights, out, in, y);
            for (int r = 0; r < rows; r++) {
                for (int o = 0; o < out; o++) {
                    int sum = 0;
                    for (int i = 0; i < in; i++) {
                        sum += x.get(r * in + i) * weights.get(o * in + i);
                    }
                    assertThat(y.get(r * out + o)).isEqualTo(sum);
                }
            }
        }
    }

    @Test
    void saysWhatItIs() {
        assertThat(gemm.isAvailable()).isTrue();
        assertThat(gemm.description()).matches("oneDNN \\d+\\.\\d+\\.\\d+ \\(.+\\)");
    }

    /** Bytes in a range, among them its ends. */
    private ByteBuffer bytes(int n, int lowest, int highest) {
        ByteBuffer bytes = direct(n);
        for (int i = 0; i < n; i++) {
            int end = random.nextBoolean() ? lowest : highest;
            bytes.put(i, (byte) (i % 5 == 0 ? end : lowest + random.nextInt(highest - lowest + 1)));
        }
        return bytes;
    }

    private static ByteBuffer direct(int n) {
        return ByteBuffer.allocateDirect(n).order(ByteOrder.LITTLE_ENDIAN);
    }

    private final class Product {
        private final DType dtype;
        private final int rows;
        private final int in;
        private final int out;
        private final FloatBuffer x;
        private final ByteBuffer weights;
        private final FloatBuffer y;

        Product(DType dtype, int rows, int in, int out) {
            this.dtype = dtype;
            this.rows = rows;
            this.in = in;
            this.out = out;
            x = direct(rows * in * Float.BYTES).asFloatBuffer();
            for (int i = 0; i < rows * in; i++) {
                x.put(i, (float) random.nextGaussian());
            }
            weights = direct(out * in * dtype.bytes());
            for (int i = 0; i < out * in; i++) {
                // Few bits, so that all three types hold the number exactly; ±1 to ±1.875 times a power of two.
                int sign = random.nextInt(2);
                int exponent = random.nextInt(8);
                int fraction = random.nextInt(8);
                switch (dtype) {
                    case F16 -> weights.putShort(2 * i, (short) (sign << 15 | 8 + exponent << 10 | fraction << 7));
                    case BF16 -> weights.putShort(2 * i, (short) (sign << 15 | 120 + exponent << 7 | fraction << 4));
                    default -> weights.putInt(4 * i, sign << 31 | 120 + exponent << 23 | fraction << 20);
                }
            }
            y = direct(rows * out * Float.BYTES).asFloatBuffer();
        }

        private double weight(int i) {
            int bits = switch (dtype) {
                case F16 -> {
                    int half = weights.getShort(2 * i);
                    yield half & 0x80000000 | (half >> 10 & 31) + 112 << 23 | (half & 1023) << 13;
                }
                case BF16 -> weights.getShort(2 * i) << 16;
                default -> weights.getInt(4 * i);
            };
            return Float.intBitsToFloat(bits);
        }

        void run() {
            gemm.multiply(x, rows, weights, dtype, out, in, y);
        }

        void check() {
            for (int r = 0; r < rows; r++) {
                for (int o = 0; o < out; o++) {
                    double sum = 0;
                    double size = 0;
                    for (int i = 0; i < in; i++) {
                        sum += x.get(r * in + i) * weight(o * in + i);
                        size += Math.abs(x.get(r * in + i) * weight(o * in + i));
                    }
                    assertThat((double) y.get(r * out + o))
                            .as("%d × %d × %d at [%d, %d]", rows, in, out, r, o)
                            .isCloseTo(sum, Offset.offset(size * 0x1p-20));
                }
            }
        }
    }
}
