/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.internal.quantization.Narrowing;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What every library for products of many rows promises with floats: those of the class path, and OpenBLAS. */
@Tag("arithmetic")
class GemmProviderContractTest {
    /** Rows, input features, output features: single ones, some that no block divides, and those of long sums. */
    private static final int[][] SHAPES = {
        {1, 1, 1}, {7, 1, 3}, {1, 40, 70}, {7, 31, 33}, {36, 513, 70}, {9, 2560, 33}, {40, 1408, 96}, {300, 88, 257}
    };

    private static final float GUARD = 12345f;

    private final Random random = new Random(3);

    static Stream<GemmProvider> providers() {
        return Stream.concat(
                ServiceLoader.load(GemmProvider.class).stream().map(ServiceLoader.Provider::get),
                Stream.of(new OpenBlasGemm()));
    }

    static Stream<Arguments> products() {
        return providers()
                .flatMap(gemm -> Stream.of(DType.F32, DType.F16, DType.BF16)
                        .filter(gemm::supports)
                        .map(dtype -> Arguments.of(gemm, dtype)));
    }

    @Test
    void bothAreThereAndTakeFloat32() {
        assertThat(providers().map(gemm -> gemm.getClass().getSimpleName()))
                .containsExactly("OneDnnGemm", "OpenBlasGemm");
        assertThat(providers()).allSatisfy(gemm -> {
            assertThat(gemm.isAvailable()).isTrue();
            assertThat(gemm.supports(DType.F32)).isTrue();
            assertThat(gemm.supports(DType.I64)).isFalse();
        });
        assertThat(products()).hasSize(4);
    }

    @ParameterizedTest
    @MethodSource("products")
    void productsEqualSumsInDouble(GemmProvider gemm, DType dtype) {
        assertThat(gemm.isAvailable()).isTrue();
        for (int[] shape : SHAPES) {
            Product product = new Product(dtype, shape[0], shape[1], shape[2]);
            gemm.multiply(
                    product.x,
                    product.rows,
                    product.weights,
                    dtype,
                    product.out,
                    product.in,
                    product.y.asFloatBuffer());
            product.check(0, product.out, product.y);
        }
    }

    /** A part has its own rows of weights, which begin anywhere in the memory of all, and its own result. */
    @ParameterizedTest
    @MethodSource("products")
    void partsEqualTheWhole(GemmProvider gemm, DType dtype) {
        assertThat(gemm.isAvailable()).isTrue();
        Product product = new Product(dtype, 9, 130, 200);
        int rowBytes = product.in * dtype.bytes();
        for (int[] part : new int[][] {{0, 64}, {64, 64}, {128, 72}, {1, 1}, {199, 1}, {3, 190}}) {
            ByteBuffer own = product.weights
                    .slice(part[0] * rowBytes, part[1] * rowBytes)
                    .order(ByteOrder.LITTLE_ENDIAN);
            ByteBuffer y = direct((product.rows * part[1] + 8) * Float.BYTES);
            for (int i = 0; i < y.capacity() / Float.BYTES; i++) {
                y.putFloat(i * Float.BYTES, GUARD);
            }
            gemm.multiply(product.x, product.rows, own, dtype, part[1], product.in, y.asFloatBuffer());
            product.check(part[0], part[1], y);
            for (int i = product.rows * part[1]; i < y.capacity() / Float.BYTES; i++) {
                assertThat(y.getFloat(i * Float.BYTES)).isEqualTo(GUARD);
            }
        }
    }

    /** As the interface says, weights begin at the buffer's position. */
    @ParameterizedTest
    @MethodSource("products")
    void weightsBeginAtThePosition(GemmProvider gemm, DType dtype) {
        assertThat(gemm.isAvailable()).isTrue();
        Product product = new Product(dtype, 9, 130, 70);
        ByteBuffer rest = product.weights.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        rest.position(20 * product.in * dtype.bytes());
        ByteBuffer y = direct(product.rows * 50 * Float.BYTES);
        gemm.multiply(product.x, product.rows, rest, dtype, 50, product.in, y.asFloatBuffer());
        product.check(20, 50, y);
    }

    @ParameterizedTest
    @MethodSource("products")
    void manyThreadsGetTheirOwnProducts(GemmProvider gemm, DType dtype) {
        assertThat(gemm.isAvailable()).isTrue();
        List<Product> products = IntStream.range(0, 24)
                .mapToObj(i -> new Product(dtype, 7 + i, 600, 50 + i))
                .toList();
        products.parallelStream()
                .forEach(product -> gemm.multiply(
                        product.x,
                        product.rows,
                        product.weights,
                        dtype,
                        product.out,
                        product.in,
                        product.y.asFloatBuffer()));
        products.forEach(product -> product.check(0, product.out, product.y));
    }

    /** Of inputs that bfloat16 holds exactly, where the processor multiplies it. */
    @Test
    void productsOfBfloat16EqualSumsInDouble() {
        for (GemmProvider gemm : providers().filter(GemmProvider::isAvailable).toList()) {
            for (int[] shape : gemm.supportsBf16() ? SHAPES : new int[0][]) {
                Product product = new Product(DType.BF16, shape[0], shape[1], shape[2]);
                gemm.multiplyBf16(
                        product.roundX(gemm),
                        product.rows,
                        product.weights,
                        product.out,
                        product.in,
                        product.y.asFloatBuffer());
                product.check(0, product.out, product.y);
            }
        }
    }

    @Test
    void bfloat16IsTheNearestOfEachType() {
        for (GemmProvider gemm : providers().filter(GemmProvider::isAvailable).toList()) {
            for (DType dtype : gemm.supportsBf16() ? List.of(DType.F32, DType.F16) : List.<DType>of()) {
                int n = 1 << 16;
                ByteBuffer from = direct((n + 3) * dtype.bytes());
                float[] values = new float[n];
                for (int i = 0; i < n; i++) {
                    // Of halves every one; of floats the middles between two neighbours and what is around them.
                    int half = 0x7fff + i % 3;
                    values[i] = dtype == DType.F16
                            ? StoredTensor.halfToFloat((short) i)
                            : Float.intBitsToFloat(i << 16 | (i % 7 == 0 ? random.nextInt(1 << 16) : half));
                    if (dtype == DType.F16) {
                        from.putShort(2 * (i + 3), (short) i);
                    } else {
                        from.putFloat(4 * (i + 3), values[i]);
                    }
                }
                ByteBuffer to = direct((n + 5) * Short.BYTES);
                gemm.roundToBf16(from.position(3 * dtype.bytes()), dtype, n, to.position(5 * Short.BYTES));
                for (int i = 0; i < n; i++) {
                    float got = Float.intBitsToFloat(to.getShort(2 * (i + 5)) << 16);
                    float nearest = Float.intBitsToFloat(Narrowing.toBfloat16(values[i]) << 16);
                    // The instruction takes what is below the normal numbers of float32 for zero.
                    boolean zero = got == 0 && Math.abs(values[i]) < Float.MIN_NORMAL;
                    assertThat(zero || Float.compare(got, nearest) == 0)
                            .as("%s %s: expected %s, got %s", dtype, values[i], nearest, got)
                            .isTrue();
                }
                assertThat(to.getShort(4 * Short.BYTES)).isZero();
            }
        }
    }

    private static ByteBuffer direct(int n) {
        return ByteBuffer.allocateDirect(n).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** One product, with a result that is NaN until it is written. */
    private final class Product {
        private final int rows;
        private final int in;
        private final int out;
        private final FloatBuffer x;
        private final float[] w;
        private final ByteBuffer weights;
        private final ByteBuffer y;

        Product(DType dtype, int rows, int in, int out) {
            this.rows = rows;
            this.in = in;
            this.out = out;
            x = direct(rows * in * Float.BYTES).asFloatBuffer();
            for (int i = 0; i < rows * in; i++) {
                x.put(i, (float) random.nextGaussian());
            }
            w = new float[out * in];
            weights = direct(out * in * dtype.bytes());
            for (int i = 0; i < out * in; i++) {
                // Eight significant bits and a size near 1: all three types hold it exactly.
                w[i] = Float.intBitsToFloat(Narrowing.toBfloat16((float) random.nextGaussian()) << 16);
                w[i] = Math.abs(w[i]) < 0x1p-10f ? 0x1p-10f : w[i];
                switch (dtype) {
                    case F16 -> weights.putShort(2 * i, Narrowing.toHalf(w[i]));
                    case BF16 -> weights.putShort(2 * i, Narrowing.toBfloat16(w[i]));
                    default -> weights.putFloat(4 * i, w[i]);
                }
            }
            y = direct(rows * out * Float.BYTES);
            for (int i = 0; i < rows * out; i++) {
                y.putFloat(i * Float.BYTES, Float.NaN);
            }
        }

        /** Rounds x to bfloat16 and gives its bytes. */
        ByteBuffer roundX(GemmProvider gemm) {
            ByteBuffer floats = direct(rows * in * Float.BYTES);
            for (int i = 0; i < rows * in; i++) {
                floats.putFloat(i * Float.BYTES, x.get(i));
                x.put(i, Float.intBitsToFloat(Narrowing.toBfloat16(x.get(i)) << 16));
            }
            ByteBuffer rounded = direct(rows * in * Short.BYTES);
            gemm.roundToBf16(floats, DType.F32, rows * in, rounded);
            return rounded;
        }

        /** Each term of a sum goes through at most in + 1 roundings of float32. */
        void check(int from, int count, ByteBuffer result) {
            for (int r = 0; r < rows; r++) {
                for (int o = 0; o < count; o++) {
                    double sum = 0;
                    double size = 0;
                    for (int i = 0; i < in; i++) {
                        double term = (double) x.get(r * in + i) * w[(from + o) * in + i];
                        sum += term;
                        size += Math.abs(term);
                    }
                    float got = result.getFloat((r * count + o) * Float.BYTES);
                    if (!(Math.abs(got - sum) <= (in + 1) * 0x1p-24 * size)) {
                        assertThat((double) got)
                                .as("%d × %d × %d at [%d, %d]", rows, in, out, r, from + o)
                                .isEqualTo(sum);
                    }
                }
            }
        }
    }
}
