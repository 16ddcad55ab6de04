/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

/**
 * Rows of activations for products with {@link Int4Rows}: 8-bit codes in ±127, one scale for each group of 32.
 *
 * <p>x ≈ code · scale with scale = max |x| / 127 over the group. In each block lies, for v = 0 to 3 and n = 0 to 3, the vector
 * of the codes that meet nibble n of the weights' 16-bit words 32·v to 32·v + 31. As in {@link FewRows}, such vectors of five
 * rows take turns, with zeros for rows that are missing; where too few are left over, each stands alone.
 */
public final class Int4Activations {
    /** Codes that meet one nibble of all 16-bit words in a vector. */
    static final int VECTOR = 2 * Int4Rows.BLOCK_GROUPS;

    private static final int HIGHEST = 127;

    final short[] codes;
    final float[] scales;
    /** Sum of a group as its codes and scale give it: what the weights' offset is multiplied by. */
    final float[] sums;

    final int rows;
    private final int fewest;
    private final int blocks;

    private Int4Activations(int rows, int fewest, int blocks) {
        this.rows = rows;
        this.fewest = fewest;
        this.blocks = blocks;
        this.codes = new short[Math.max(rows, panelCount() * FewRows.PANEL_ROWS) * blocks * Int4Rows.BLOCK];
        this.scales = new float[rows * blocks * Int4Rows.BLOCK_GROUPS];
        this.sums = new float[rows * blocks * Int4Rows.BLOCK_GROUPS];
    }

    /**
     * Quantises activations.
     *
     * @param x      {@code [rows, in]}
     * @param rows   number of rows
     * @param in     their length
     * @param fewest how many rows, 2 or more, to multiply together at least
     * @return the same, with zeros up to a whole block
     */
    public static Int4Activations of(float[] x, int rows, int in, int fewest) {
        Int4Activations result = new Int4Activations(rows, fewest, Int4Rows.blocks(in));
        for (int row = 0; row < rows; row++) {
            for (int from = 0; from < in; from += Int4Rows.GROUP) {
                result.quantise(x, row * in + from, Math.min(Int4Rows.GROUP, in - from), row, from / Int4Rows.GROUP);
            }
        }
        return result;
    }

    private void quantise(float[] x, int from, int n, int row, int groupOfRow) {
        int group = groupsFrom(row) + groupOfRow;
        float highest = 0;
        for (int i = 0; i < n; i++) {
            highest = Math.max(highest, Math.abs(x[from + i]));
        }
        float scale = highest / HIGHEST;
        if (!(scale >= Float.MIN_NORMAL && scale <= Float.MAX_VALUE)) {
            // Nothing to multiply; a NaN or an infinity, which codes cannot hold, must stay visible in the result.
            scales[group] = Float.isFinite(highest) ? 0 : Float.NaN;
            return;
        }
        int first = codesFrom(row) + first(row, groupOfRow);
        float inverse = 1 / scale;
        int sum = 0;
        for (int i = 0; i < n; i++) {
            int code = Math.round(x[from + i] * inverse);
            // Weight i is nibble i % 4 of the group's 16-bit word i / 4; two of these words lie side by side.
            int vector = i / 8 * 4 + i % 4;
            codes[first + vector * step(row) + i / 4 % 2] = (short) code;
            sum += code;
        }
        scales[group] = scale;
        sums[group] = scale * sum;
    }

    /** Where the codes of a row's group begin, counted from the row's first code. */
    int first(int row, int group) {
        return group / Int4Rows.BLOCK_GROUPS * Int4Rows.BLOCK / VECTOR * step(row) + group % Int4Rows.BLOCK_GROUPS * 2;
    }

    /** Codes from one vector of a row to its next. */
    int step(int row) {
        return row < single() ? FewRows.PANEL_ROWS * VECTOR : VECTOR;
    }

    /** Number of panels, of five rows each. */
    int panelCount() {
        return FewRows.panelCount(rows, fewest);
    }

    /** The first row that stands alone. */
    int single() {
        return Math.min(rows, panelCount() * FewRows.PANEL_ROWS);
    }

    int codesFrom(int row) {
        if (row >= single()) {
            return row * blocks * Int4Rows.BLOCK;
        }
        return row / FewRows.PANEL_ROWS * FewRows.PANEL_ROWS * blocks * Int4Rows.BLOCK
                + row % FewRows.PANEL_ROWS * VECTOR;
    }

    int groupsFrom(int row) {
        return row * blocks * Int4Rows.BLOCK_GROUPS;
    }
}
