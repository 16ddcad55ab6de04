/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

/**
 * Rows of floats within an array: row r begins at {@code offset + r * stride}.
 *
 * @param data   the array
 * @param offset where row 0 begins
 * @param stride floats from one row to the next
 */
public record Rows(float[] data, int offset, int stride) {

    static Rows zeros(int rows, int stride) {
        return new Rows(new float[rows * stride], 0, stride);
    }

    /**
     * Says where a row begins.
     *
     * @param index number of the row
     * @return its first float's place in the array
     */
    public int row(int index) {
        return offset + index * stride;
    }
}
