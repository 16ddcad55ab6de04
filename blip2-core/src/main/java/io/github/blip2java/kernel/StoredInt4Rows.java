/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.kernel;

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
     * Copies one row.
     *
     * @param row number of the row in the matrix
     * @param to  receives it as its row 0
     */
    public void copyRow(int row, Int4Rows to) {
        int groups = 2 * to.groups();
        codes.get(row * blocks * Int4Rows.BLOCK_BYTES, to.codes(), 0, blocks * Int4Rows.BLOCK_BYTES);
        scalesOffsets.asShortBuffer().get(row * groups, to.scalesOffsets(), 0, groups);
    }
}
