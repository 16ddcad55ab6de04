/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

/**
 * The inner loops. One implementation is chosen for the whole process: with the Vector API where it is readable, else plain
 * Java. Arguments are not checked here; callers do that.
 */
public interface Kernels {

    /**
     * Gives the implementation in use.
     *
     * @return the kernels
     */
    static Kernels get() {
        return KernelChoice.CHOSEN.kernels();
    }

    /**
     * Says which implementation is in use and why, with the flag that would help.
     *
     * @return one line for a log
     */
    static String description() {
        return KernelChoice.CHOSEN.reason();
    }

    /**
     * Tells whether the Vector API is readable and worth its while here, for loops that are no kernels.
     *
     * @return false where the kernels are plain Java
     */
    static boolean useVectorApi() {
        return !(get() instanceof ScalarKernels);
    }

    /**
     * Computes Σ a·b.
     *
     * @param a       first factor
     * @param aOffset where it begins
     * @param b       second factor
     * @param bOffset where it begins
     * @param n       elements
     * @return the sum
     */
    float dot(float[] a, int aOffset, float[] b, int bOffset, int n);

    /**
     * Adds x to y.
     *
     * @param x       what is added
     * @param xOffset where it begins
     * @param y       changed in place
     * @param yOffset where it begins
     * @param n       elements
     */
    void add(float[] x, int xOffset, float[] y, int yOffset, int n);

    /**
     * Widens 16-bit floats whose bits are the upper half of a float32.
     *
     * @param bits    the stored bits
     * @param out     receives the floats
     * @param outFrom where they go
     * @param n       elements
     */
    void widenBf16(short[] bits, float[] out, int outFrom, int n);

    /**
     * Widens IEEE half precision floats.
     *
     * @param bits    the stored bits
     * @param out     receives the floats
     * @param outFrom where they go
     * @param n       elements
     */
    void widenF16(short[] bits, float[] out, int outFrom, int n);

    /**
     * Tells whether weights are read where they lie, without a copy on the heap, which changes how many rows pay together.
     *
     * @return true with the Vector API on Java 19 and newer
     */
    boolean readInPlace();

    /**
     * Prepares few rows of activations for the products below.
     *
     * @param x      {@code [rows, width]}
     * @param rows   number of rows
     * @param width  their length
     * @param fewest how many rows, 2 or more, to multiply together at least, as measured for the format of the weights
     * @return the same, valid until the same thread calls this again
     */
    FewRows fewRows(float[] x, int rows, int width, int fewest);

    /**
     * Weights of float32.
     *
     * @return how they are multiplied
     */
    WeightKernel f32();

    /**
     * Weights of IEEE half precision.
     *
     * @return how they are multiplied
     */
    WeightKernel f16();

    /**
     * Weights of bfloat16, whose bits are the upper half of a float32.
     *
     * @return how they are multiplied
     */
    WeightKernel bf16();

    /**
     * Signed bytes; their scales are the caller's business.
     *
     * @return how they are multiplied
     */
    WeightKernel int8();

    /**
     * Weights of 4 bits.
     *
     * @return how they are multiplied
     */
    Int4Kernel int4();

    /**
     * Gives the largest magnitude.
     *
     * @param x      numbers
     * @param offset where they begin
     * @param n      elements
     * @return the largest |x|, or 0 where n is 0; NaN if one of them is NaN
     */
    float largestMagnitude(float[] x, int offset, int n);

    /**
     * Multiplies by a factor and rounds to signed bytes, to the nearest and ties to even.
     *
     * @param x      numbers; what is beyond ±127 once multiplied gives any byte
     * @param offset where they begin
     * @param factor the factor
     * @param out    receives the bytes from its beginning
     * @param n      elements
     */
    void roundToBytes(float[] x, int offset, float factor, byte[] out, int n);

    /**
     * Computes (x − mean) / √(variance + eps) · weight + bias.
     *
     * @param x       the row
     * @param xOffset where it begins
     * @param n       its length
     * @param weight  factors, or null for ones
     * @param bias    summands, or null for zeros
     * @param eps     added to the variance
     * @param y       receives the result
     * @param yOffset where it goes
     */
    void layerNorm(float[] x, int xOffset, int n, float[] weight, float[] bias, float eps, float[] y, int yOffset);

    /**
     * Computes x / √(mean(x²) + eps) · weight.
     *
     * @param x       the row
     * @param xOffset where it begins
     * @param n       its length
     * @param weight  factors
     * @param eps     added to the mean square
     * @param y       receives the result
     * @param yOffset where it goes
     */
    void rmsNorm(float[] x, int xOffset, int n, float[] weight, float eps, float[] y, int yOffset);

    /**
     * Turns scores into probabilities; a row of negative infinities becomes zeros.
     *
     * @param x      changed in place
     * @param offset where the row begins
     * @param n      its length
     */
    void softmax(float[] x, int offset, int n);

    /**
     * Computes x · Φ(x) with the error function.
     *
     * @param x      changed in place
     * @param offset where to begin
     * @param n      elements
     */
    void gelu(float[] x, int offset, int n);

    /**
     * Computes GELU by its tanh approximation.
     *
     * @param x      changed in place
     * @param offset where to begin
     * @param n      elements
     */
    void geluTanh(float[] x, int offset, int n);

    /**
     * Computes x · sigmoid(factor · x): SiLU with 1, quick GELU with 1.702.
     *
     * @param x      changed in place
     * @param offset where to begin
     * @param n      elements
     * @param factor inside the sigmoid
     */
    void sigmoidGate(float[] x, int offset, int n, float factor);

    /**
     * Computes max(x, 0).
     *
     * @param x      changed in place
     * @param offset where to begin
     * @param n      elements
     */
    void relu(float[] x, int offset, int n);

    /**
     * Attends for one head: out = softmax(q · kᵀ + scores) · v.
     *
     * @param q       queries, scaled already
     * @param queries number of them
     * @param k       keys
     * @param v       values
     * @param keys    number of keys and values
     * @param headDim width of all of them
     * @param scores  {@code queries * keys}: the additive bias at first, the probabilities at last
     * @param out     receives {@code queries} rows; zeros where everything is hidden
     */
    void attention(Rows q, int queries, Rows k, Rows v, int keys, int headDim, float[] scores, Rows out);
}
