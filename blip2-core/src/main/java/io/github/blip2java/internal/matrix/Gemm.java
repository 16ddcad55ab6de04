/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.kernel.Scratch;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Optional;

/** Products of many rows: by the provider that was found, on weights as they lie or else widened block by block. */
public final class Gemm {
    /** Floats of a widened block: small enough for the last-level cache, large enough to keep all threads busy. */
    private static final int BLOCK_FLOATS = 1 << 21;

    private static final GemmChoice CHOSEN = GemmChoice.choose();
    private static final GemmProvider PROVIDER = CHOSEN.provider();

    /**
     * Parts of a product have a multiple of this many columns: as many as the widest vector has. With 64, which libraries compute
     * together, 16 threads would have 1 or 2 of the 22 such blocks of a picture's products each.
     */
    private static final int PART_COLUMNS = 16;

    private static final Scratch<float[]> ROW = Scratch.of(float[]::new);

    private Gemm() {}

    /**
     * Names the library that computes products of many rows, for a person.
     *
     * @return its name, version and instructions, or that there is none
     */
    public static String library() {
        return PROVIDER == null ? "no library, which is slow" : PROVIDER.description();
    }

    /**
     * Says what activations are rounded to in products of many rows with int8 and int4 weights.
     *
     * @return 8 or 7 bits, or 32 where they stay floats
     */
    public static int activationBits() {
        return CHOSEN.int8() == null ? Float.SIZE : CHOSEN.int8().bits();
    }

    /** Tried when it is first asked for. */
    private static final class Bf16 {
        static final Optional<String> REFUSAL = CHOSEN.bf16Refusal();
    }

    /**
     * Makes sure that products of many rows can be computed in bfloat16.
     *
     * @throws IllegalArgumentException if no library here does so natively and right
     */
    public static void requireBf16() {
        if (Bf16.REFUSAL.isPresent()) {
            throw new IllegalArgumentException(
                    "arithmetic bf16: expected oneDNN (module blip2-onednn) on a processor that multiplies"
                            + " bfloat16, x86 with AVX512_BF16 or AMX; got " + Bf16.REFUSAL.get()
                            + "; leave it at f32, which gives the ids of transformers in float32 too");
        }
    }

    static GemmProvider provider() {
        return PROVIDER;
    }

    /** Tells whether there is a provider, and enough work that the threads it wakes are worth it. */
    static boolean suits(int rows, int out, int in) {
        return PROVIDER != null && !RowTasks.isSmall(out, in, rows);
    }

    /** Whether the provider multiplies a handful of rows with weights of a type better than our loops do. */
    static boolean suitsFewRows(DType dtype) {
        return PROVIDER != null && CHOSEN.dtypes().contains(dtype) && PROVIDER.suitsFewRows(dtype);
    }

    static boolean suitsInt8(int rows, int out, int in) {
        return suits(rows, out, in) && CHOSEN.int8() != null;
    }

    /** Whether the provider multiplies a handful of rows of bytes better than our loops do: with weights as they lie. */
    static boolean suitsFewRowsInt8() {
        return CHOSEN.int8() == Int8Inputs.SIGNED && PROVIDER.readsFirstFactorInPlace();
    }

    /** How activations are to be written as bytes. */
    static Int8Inputs int8Inputs() {
        return CHOSEN.int8();
    }

    /** What to do with the columns of a product from {@code from} to {@code from + count - 1}. */
    @FunctionalInterface
    interface Part {
        void compute(int from, int count);
    }

    /** Cuts a product into a part for each of our threads; a provider that has threads of its own gets it whole. */
    static void forParts(int out, Part body) {
        int blocks = (out + PART_COLUMNS - 1) / PART_COLUMNS;
        int parts = PROVIDER.hasOwnThreads() ? 1 : Math.min(Parallel.threads(), blocks);
        Parallel.forRange(parts, part -> {
            int from = blocks * part / parts * PART_COLUMNS;
            int to = Math.min(out, blocks * (part + 1) / parts * PART_COLUMNS);
            body.compute(from, to - from);
        });
    }

    /** Y = X · Wᵀ of bytes, those of X as {@link #int8Inputs} says. */
    static void multiplyInt8(ByteBuffer x, int rows, ByteBuffer weights, int out, int in, IntBuffer y) {
        PROVIDER.multiplyInt8(x, CHOSEN.int8().unsigned(), rows, weights, out, in, y);
    }

    /** Y = X · Wᵀ, with weights as they lie in {@code bytes} if the provider takes them so. */
    static void multiply(WeightMatrix weights, ByteBuffer bytes, DType dtype, float[] x, int rows, Result y) {
        if (!CHOSEN.dtypes().contains(dtype)) {
            multiplyWidened(weights, x, rows, y);
            return;
        }
        try (NativeMemory input = NativeMemory.copyOf(x, rows * weights.inFeatures())) {
            multiply(input, rows, bytes, dtype, weights.outFeatures(), weights.inFeatures(), y);
        }
    }

    /** Y = X · Wᵀ with {@code out} rows of weights. */
    private static void multiply(NativeMemory x, int rows, ByteBuffer weights, DType dtype, int out, int in, Result y) {
        int rowBytes = in * dtype.bytes();
        try (NativeMemory product = NativeMemory.floats(Math.multiplyExact(rows, out))) {
            forParts(out, (from, count) -> {
                FloatBuffer floats = product.asFloats().slice(rows * from, rows * count);
                ByteBuffer own =
                        weights.slice(from * rowBytes, count * rowBytes).order(ByteOrder.LITTLE_ENDIAN);
                PROVIDER.multiply(x.asFloats(), rows, own, dtype, count, in, floats);
                Parallel.forRange(rows, row -> {
                    floats.get(row * count, y.data(), y.at(row, from), count);
                    y.written(row, from, count);
                });
            });
        }
    }

    /** Y = X · Wᵀ for weights of any format. */
    static void multiplyWidened(WeightMatrix weights, float[] x, int rows, Result y) {
        int in = weights.inFeatures();
        int out = weights.outFeatures();
        int block = blockRows(out, in);
        try (NativeMemory input = NativeMemory.copyOf(x, rows * in);
                NativeMemory widened = NativeMemory.floats(block * in)) {
            for (int from = 0; from < out; from += block) {
                int count = Math.min(block, out - from);
                widen(weights, from, count, widened.asFloats());
                multiply(input, rows, widened.asBytes(), DType.F32, count, in, y.from(from));
            }
        }
    }

    /** How many rows of a matrix to widen at a time. */
    static int blockRows(int out, int in) {
        return Math.min(out, Math.max(64, BLOCK_FLOATS / in));
    }

    private static void widen(WeightMatrix weights, int from, int count, FloatBuffer target) {
        int in = weights.inFeatures();
        Parallel.forRange(count, row -> {
            float[] values = ROW.get(in);
            weights.copyRow(from + row, values, 0);
            target.put(row * in, values, 0, in);
        });
    }
}
