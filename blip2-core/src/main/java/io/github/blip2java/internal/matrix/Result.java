/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

/**
 * Where a product, or the part of it from a column on, is written.
 *
 * @param data   {@code [rows, stride]}
 * @param stride columns of the whole product
 * @param first  the whole's column that is this part's column 0
 * @param then   what is done to each piece when it is there
 */
record Result(float[] data, int stride, int first, Epilogue then) {

    /** The part from one of this part's columns on. */
    Result from(int column) {
        return new Result(data, stride, first + column, then);
    }

    /** Where a row's column is in {@code data}. */
    int at(int row, int column) {
        return row * stride + first + column;
    }

    /** Says that n columns of a row are written. */
    void written(int row, int column, int n) {
        then.apply(data, at(row, column), first + column, n);
    }
}
