/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.internal.quantization.FloatRows;
import io.github.blip2java.internal.quantization.Narrowing;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Libraries that compute wrong, as some do on some processors, are found out before they are used. */
@Tag("arithmetic")
class GemmChoiceTest {
    private static final int FULL = Integer.MAX_VALUE;

    /** A library in plain Java, whose faults can be chosen. */
    private static class Library implements GemmProvider {
        private final Set<DType> rounds;
        private final DoubleUnaryOperator rounding;
        private final int longest;
        private final int pairLimit;
        private final int signedOffset;

        /**
         * @param rounds       for which weights inputs are rounded first
         * @param rounding     how
         * @param longest      products beyond this many are left out of a sum
         * @param pairLimit    largest sum of two products of bytes; larger ones are cut to it
         * @param signedOffset what is added to signed inputs to make them unsigned, as oneDNN does on x86
         */
        Library(Set<DType> rounds, DoubleUnaryOperator rounding, int longest, int pairLimit, int signedOffset) {
            this.rounds = rounds;
            this.rounding = rounding;
            this.longest = longest;
            this.pairLimit = pairLimit;
            this.signedOffset = signedOffset;
        }

        @Override
        public boolean isAvailable() {
            return true;
        }

        @Override
        public boolean supports(DType weights) {
            return true;
        }

        @Override
        public boolean supportsInt8() {
            return true;
        }

        @Override
        public void multiply(FloatBuffer x, int rows, ByteBuffer weights, DType dtype, int out, int in, FloatBuffer y) {
            float[] row = new float[in];
            for (int o = 0; o < out; o++) {
                ByteBuffer at = weights.duplicate().order(weights.order()).position(o * in * dtype.bytes());
                FloatRows.widen(at, dtype, row, 0, in);
                for (int r = 0; r < rows; r++) {
                    double sum = 0;
                    for (int i = 0; i < Math.min(in, longest); i++) {
                        double input = x.get(r * in + i);
                        sum += (rounds.contains(dtype) ? rounding.applyAsDouble(input) : input) * row[i];
                    }
                    y.put(r * out + o, (float) sum);
                }
            }
        }

        @Override
        public void multiplyInt8(
                ByteBuffer x, boolean unsigned, int rows, ByteBuffer weights, int out, int in, IntBuffer y) {
            int added = unsigned ? 0 : signedOffset;
            for (int r = 0; r < rows; r++) {
                for (int o = 0; o < out; o++) {
                    int sum = 0;
                    int sumOfWeights = 0;
                    for (int i = 0; i < in; i += 2) {
                        int pair = 0;
                        for (int j = i; j < Math.min(in, i + 2); j++) {
                            pair += (x.get(r * in + j) + added) * weights.get(o * in + j);
                            sumOfWeights += weights.get(o * in + j);
                        }
                        sum += Math.max(-pairLimit - 1, Math.min(pairLimit, pair));
                    }
                    y.put(r * out + o, sum - added * sumOfWeights);
                }
            }
        }
    }

    /** A library that multiplies bfloat16, and leaves products beyond so many out of a sum. */
    private static Library bf16(DoubleUnaryOperator rounding, int longest) {
        return new Library(Set.of(), x -> x, FULL, FULL, 0) {
            @Override
            public boolean supportsBf16() {
                return true;
            }

            @Override
            public void roundToBf16(ByteBuffer from, DType dtype, int n, ByteBuffer to) {
                float[] values = new float[n];
                FloatRows.widen(from.duplicate().order(from.order()), dtype, values, 0, n);
                for (int i = 0; i < n; i++) {
                    float rounded = (float) rounding.applyAsDouble(values[i]);
                    to.putShort(2 * i, (short) (Float.floatToRawIntBits(rounded) >>> 16));
                }
            }

            @Override
            public void multiplyBf16(ByteBuffer x, int rows, ByteBuffer weights, int out, int in, FloatBuffer y) {
                for (int r = 0; r < rows; r++) {
                    for (int o = 0; o < out; o++) {
                        double sum = 0;
                        for (int i = 0; i < Math.min(in, longest); i++) {
                            sum += (double) widened(x, r * in + i) * widened(weights, o * in + i);
                        }
                        y.put(r * out + o, (float) sum);
                    }
                }
            }
        };
    }

    private static float widened(ByteBuffer bf16, int i) {
        return Float.intBitsToFloat(bf16.getShort(2 * i) << 16);
    }

    private static Library rounding(Set<DType> dtypes, DoubleUnaryOperator rounding) {
        return new Library(dtypes, rounding, FULL, FULL, 0);
    }

    private static double bfloat16(double value) {
        return Float.intBitsToFloat(Narrowing.toBfloat16((float) value) << 16);
    }

    private static double tf32(double value) {
        return Float.intBitsToFloat(Float.floatToIntBits((float) value) + 0xfff & ~0x1fff);
    }

    @Test
    void aRightLibraryIsUsedForAll() {
        GemmChoice choice = GemmChoice.of(rounding(Set.of(), x -> x));
        assertThat(choice.dtypes()).containsExactlyInAnyOrder(DType.F32, DType.F16, DType.BF16);
        assertThat(choice.int8()).isEqualTo(Int8Inputs.SIGNED);
    }

    @Test
    void narrowedInputsAreNoticed() {
        Set<DType> f16 = EnumSet.of(DType.F16);
        assertThat(GemmChoice.of(rounding(f16, GemmChoiceTest::bfloat16)).dtypes())
                .containsExactlyInAnyOrder(DType.F32, DType.BF16);
        assertThat(GemmChoice.of(rounding(EnumSet.of(DType.BF16), GemmChoiceTest::tf32))
                        .dtypes())
                .containsExactlyInAnyOrder(DType.F32, DType.F16);
        assertThat(GemmChoice.of(rounding(EnumSet.of(DType.F32), GemmChoiceTest::tf32))
                        .provider())
                .isNull();
    }

    @Test
    void sumsThatStopEarlyAreNoticed() {
        assertThat(GemmChoice.of(new Library(Set.of(), x -> x, 512, FULL, 0)).provider())
                .isNull();
    }

    /** As on x86 without VNNI: signed inputs are made unsigned, and pairs of products added in 16 bits. */
    @Test
    void pairsThatOverflowLeaveSevenBits() {
        assertThat(GemmChoice.of(new Library(Set.of(), x -> x, FULL, Short.MAX_VALUE, 128))
                        .int8())
                .isEqualTo(Int8Inputs.MOVED);
    }

    @ParameterizedTest
    @ValueSource(ints = {16_000, 32_385})
    void smallerSumsLeaveNone(int pairLimit) {
        assertThat(GemmChoice.of(new Library(Set.of(), x -> x, FULL, pairLimit, 128))
                        .int8())
                .isNull();
    }

    @Test
    void bfloat16IsTriedBeforeItIsUsed() {
        assertThat(GemmChoice.of(bf16(GemmChoiceTest::bfloat16, FULL)).bf16Refusal())
                .isEmpty();
        String wrong = ", whose products of bfloat16 are wrong here";
        assertThat(GemmChoice.of(bf16(GemmChoiceTest::bfloat16, 512)).bf16Refusal())
                .hasValueSatisfying(refusal -> assertThat(refusal).endsWith(wrong));
        DoubleUnaryOperator cut = x -> Float.intBitsToFloat(Float.floatToRawIntBits((float) x) & 0xffff0000);
        assertThat(GemmChoice.of(bf16(cut, FULL)).bf16Refusal())
                .hasValueSatisfying(refusal -> assertThat(refusal).endsWith(wrong));
        DoubleUnaryOperator halfUp =
                x -> Float.intBitsToFloat(Float.floatToRawIntBits((float) x) + 0x8000 & 0xffff0000);
        assertThat(GemmChoice.of(bf16(halfUp, FULL)).bf16Refusal())
                .hasValueSatisfying(refusal -> assertThat(refusal).endsWith(wrong));
    }

    /** As oneDNN on processors that multiply bfloat16 but do not compute with halves, which refuses some conversions. */
    @Test
    void aRefusalToRoundIsAReason() {
        DoubleUnaryOperator refuses = x -> {
            throw new IllegalStateException("no such conversion");
        };
        assertThat(GemmChoice.of(bf16(refuses, FULL)).bf16Refusal())
                .hasValueSatisfying(
                        refusal -> assertThat(refusal).endsWith("cannot multiply bfloat16 here: no such conversion"));
    }

    @Test
    void whereThereIsNoBfloat16TheLibraryIsNamed() {
        assertThat(GemmChoice.of(rounding(Set.of(), x -> x)).bf16Refusal()).hasValue("Library");
        assertThat(new GemmChoice(null, Set.of(), null).bf16Refusal()).hasValue("no library");
    }

    @Test
    void aLibraryThatFailsIsNotUsed() {
        GemmProvider broken = new Library(Set.of(), x -> x, FULL, FULL, 0) {
            @Override
            public boolean isAvailable() {
                throw new UnsatisfiedLinkError("no library here");
            }
        };
        assertThat(GemmChoice.of(broken).provider()).isNull();
    }
}
