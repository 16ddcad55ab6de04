/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.DType;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * Products of many rows by a native library.
 *
 * <p>A module brings one by naming its class in {@code META-INF/services}; without any, OpenBLAS, which ND4J brings, is used.
 * Implementations are safe for many threads at once.
 */
public interface GemmProvider {

    /**
     * Tells whether the library could be loaded on this machine.
     *
     * @return false if it must not be used
     */
    boolean isAvailable();

    /**
     * Names the library for a person, with its version and the instructions it uses where it tells them.
     *
     * @return such as {@code oneDNN 3.11.0 (AVX2)}
     */
    default String description() {
        return getClass().getSimpleName();
    }

    /**
     * Tells whether a product is shared out among threads of the library's own. Otherwise each is computed on the calling
     * thread, and several threads call for parts of one.
     *
     * @return true unless a provider says otherwise
     */
    default boolean hasOwnThreads() {
        return true;
    }

    /**
     * Tells whether weights of a type can be used where they lie.
     *
     * @param weights F32, F16 or BF16
     * @return true if {@link #multiply} takes them; always true for F32
     */
    boolean supports(DType weights);

    /**
     * Tells whether a handful of rows, such as the beams of a search, are multiplied as fast as memory gives the weights.
     *
     * @param weights a supported type
     * @return false unless a provider says otherwise; the Vector API then multiplies few rows
     */
    default boolean suitsFewRows(DType weights) {
        return false;
    }

    /**
     * Computes Y = X · Wᵀ with float32 arithmetic.
     *
     * @param x       {@code [rows, in]}, outside the heap
     * @param rows    rows of x and y
     * @param weights {@code [out, in]} from the buffer's position on, outside the heap, little-endian
     * @param dtype   a supported type
     * @param out     output features
     * @param in      input features
     * @param y       {@code [rows, out]}, outside the heap; overwritten
     */
    void multiply(FloatBuffer x, int rows, ByteBuffer weights, DType dtype, int out, int in, FloatBuffer y);

    /**
     * Tells whether the first factor of {@link #multiplyBf16} and {@link #multiplyInt8} is used as it lies, while the second is put in
     * another order at each call. Then weights are better the first, with x the second, as long as x has few rows.
     *
     * @return false unless a provider says otherwise
     */
    default boolean readsFirstFactorInPlace() {
        return false;
    }

    /**
     * Tells whether there are {@link #multiplyBf16} and {@link #roundToBf16}, and the processor multiplies bfloat16 itself. Whether it
     * does so right need not be known: that is tried before it is used.
     *
     * @return false unless a provider says otherwise
     */
    default boolean supportsBf16() {
        return false;
    }

    /**
     * Rounds numbers to bfloat16, to the nearest and ties to even.
     *
     * @param from  numbers from the buffer's position on, outside the heap, little-endian
     * @param dtype F32 or F16
     * @param n     how many
     * @param to    receives them from its position on, outside the heap
     */
    default void roundToBf16(ByteBuffer from, DType dtype, int n, ByteBuffer to) {
        throw new UnsupportedOperationException("roundToBf16");
    }

    /**
     * Computes Y = X · Wᵀ of bfloat16 with sums of float32.
     *
     * @param x       {@code [rows, in]} from the buffer's position on, outside the heap
     * @param rows    rows of x and y
     * @param weights {@code [out, in]} from the buffer's position on, outside the heap
     * @param out     output features
     * @param in      input features
     * @param y       {@code [rows, out]}, outside the heap; overwritten
     */
    default void multiplyBf16(ByteBuffer x, int rows, ByteBuffer weights, int out, int in, FloatBuffer y) {
        throw new UnsupportedOperationException("multiplyBf16");
    }

    /**
     * Tells whether there is {@link #multiplyInt8}, faster than with float32. Whether it is exact on this processor need not be
     * known: that is tried at start.
     *
     * @return false unless a provider says otherwise
     */
    default boolean supportsInt8() {
        return false;
    }

    /**
     * Computes Y = X · Wᵀ of bytes.
     *
     * @param x        {@code [rows, in]}, outside the heap
     * @param unsigned whether bytes of x are 0 to 127, to be read as unsigned, or −127 to 127; libraries have different loops
     *                 for the two
     * @param rows     rows of x and y
     * @param weights  signed bytes {@code [out, in]} from the buffer's position on, outside the heap
     * @param out      output features
     * @param in       input features
     * @param y        {@code [rows, out]}, outside the heap; overwritten
     */
    default void multiplyInt8(
            ByteBuffer x, boolean unsigned, int rows, ByteBuffer weights, int out, int in, IntBuffer y) {
        throw new UnsupportedOperationException("multiplyInt8");
    }
}
