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
        return get().getClass() != ScalarKernels.class;
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
     * Tells whether weights are read where they lie, without a copy on the heap. Then several rows of activations go together
     * with weights of 8 and 4 bits too; measured on Java 17 in a whole model, such loops were slower than a row at a time.
     *
     * @return true on Java 22 and newer with the Vector API
     */
    default boolean readInPlace() {
        return false;
    }

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
     * Computes y[r, o] = x[r] · W[o] for some rows of a matrix stored as float32, and few rows of x.
     *
     * @param w   rows o of the matrix
     * @param x   rows of {@code w.width}
     * @param y   {@code [rows, out]}; columns {@code w.from} to {@code w.to} are overwritten
     * @param out columns of y
     */
    void multiplyF32(StoredRows w, FewRows x, float[] y, int out);

    /**
     * Computes y[r, o] = x[r] · W[o] for some rows of a matrix stored as IEEE half precision, and few rows of x.
     *
     * @param w   rows o of the matrix
     * @param x   rows of {@code w.width}
     * @param y   {@code [rows, out]}; columns {@code w.from} to {@code w.to} are overwritten
     * @param out columns of y
     */
    void multiplyF16(StoredRows w, FewRows x, float[] y, int out);

    /**
     * Computes y[r, o] = x[r] · W[o] for some rows of a matrix stored as bfloat16, and few rows of x.
     *
     * @param w   rows o of the matrix
     * @param x   rows of {@code w.width}
     * @param y   {@code [rows, out]}; columns {@code w.from} to {@code w.to} are overwritten
     * @param out columns of y
     */
    void multiplyBf16(StoredRows w, FewRows x, float[] y, int out);

    /**
     * Computes y[r, o] = x[r] · W[o] · scales[o] for some rows of a matrix stored as signed bytes, and few rows of x.
     *
     * @param w      rows o of the matrix
     * @param scales one for each row of the matrix
     * @param x      rows of {@code w.width}
     * @param y      {@code [rows, out]}; columns {@code w.from} to {@code w.to} are overwritten
     * @param out    columns of y
     */
    void multiplyInt8(StoredRows w, float[] scales, FewRows x, float[] y, int out);

    /**
     * Widens signed bytes and multiplies them by a scale.
     *
     * @param codes   the bytes
     * @param from    where they begin
     * @param scale   the factor
     * @param out     receives the floats
     * @param outFrom where they go
     * @param n       elements
     */
    void widenInt8(byte[] codes, int from, float scale, float[] out, int outFrom, int n);

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
     * Computes y[r, o] = x[r] · W[o] for some rows of a matrix stored with 4 bits, and few rows of x.
     *
     * @param w   rows o of the matrix
     * @param x   activations
     * @param y   {@code [rows of x, out]}; columns {@code w.from} to {@code w.to} are overwritten
     * @param out columns of y
     */
    void multiplyInt4(StoredInt4Rows w, Int4Activations x, float[] y, int out);

    /**
     * Widens a row of 4-bit weights in the order it is stored in, see {@link Int4Rows#place}.
     *
     * @param weights the rows
     * @param row     which one
     * @param out     receives all weights of the row's blocks
     * @param outFrom where they go
     */
    void widenInt4(Int4Rows weights, int row, float[] out, int outFrom);

    /**
     * Rounds a row of 4-bit weights to signed bytes in the order it is stored in, see {@link Int4Rows#place}.
     *
     * @param weights the rows
     * @param row     which one
     * @param out     receives codes in ±127 for all weights of the row's blocks
     * @return the scale by which to multiply the codes
     */
    float narrowInt4(Int4Rows weights, int row, byte[] out);

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
