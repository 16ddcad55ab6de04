/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.nio.ByteBuffer;

/**
 * Some rows of a matrix of 4-bit weights as it is stored: {@link Int4Rows} of the whole matrix, from index 0 on.
 *
 * @param codes         {@link Int4Rows#codes}
 * @param scalesOffsets {@link Int4Rows#scalesOffsets}; little-endian
 * @param blocks        blocks in a row
 * @param from          first row
 * @param to            row after the last
 */
public record StoredInt4Rows(ByteBuffer codes, ByteBuffer scalesOffsets, int blocks, int from, int to) {

    /**
     * Copies rows.
     *
     * @param first number of the first one in the matrix
     * @param count number of rows
     * @param to    receives them as its rows from 0 on
     */
    public void copyRows(int first, int count, Int4Rows to) {
        int bytes = blocks * Int4Rows.BLOCK_BYTES;
        int halves = 2 * to.groups();
        codes.get(first * bytes, to.codes(), 0, count * bytes);
        scalesOffsets.asShortBuffer().get(first * halves, to.scalesOffsets(), 0, count * halves);
    }
}
