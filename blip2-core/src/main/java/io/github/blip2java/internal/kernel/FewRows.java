/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.util.Arrays;

/**
 * Few rows of activations, as they are and in panels of {@value #PANEL_ROWS} rows, which kernels multiply together so that weights
 * are read and widened once.
 *
 * <p>A panel holds one vector of its first row, of its second, … of its fifth, then the next vector of each, so that a loop
 * reads it from its beginning to its end. Measured: rows that lie apart take a quarter longer. Rows that are missing are zeros;
 * where too few are left over, they have no panel.
 */
public final class FewRows {
    /** Rows of a panel. */
    static final int PANEL_ROWS = 5;

    /** Rows of the matrix that are multiplied with a panel: as many as there are registers for their sums. */
    static final int WEIGHTS = 3;

    private static final Scratch<float[]> PANELS = Scratch.of(float[]::new);

    final float[] x;
    final int rows;
    final int width;

    /** Columns of the panels, which are whole vectors. */
    final int whole;

    final float[] panels;

    private final int panelCount;

    /**
     * Arranges rows.
     *
     * @param x      {@code [rows, width]}
     * @param fewest rows that are worth a panel
     * @param lanes  floats of a vector
     */
    FewRows(float[] x, int rows, int width, int fewest, int lanes) {
        this.x = x;
        this.rows = rows;
        this.width = width;
        this.panelCount = panelCount(rows, fewest);
        this.whole = width / lanes * lanes;
        this.panels = PANELS.get(panelCount * PANEL_ROWS * whole);
        for (int r = 0; r < panelCount * PANEL_ROWS; r++) {
            int to = begin(r / PANEL_ROWS) + r % PANEL_ROWS * lanes;
            for (int i = 0; i < whole; i += lanes) {
                int at = to + i * PANEL_ROWS;
                if (r < rows) {
                    System.arraycopy(x, row(r) + i, panels, at, lanes);
                } else {
                    Arrays.fill(panels, at, at + lanes, 0f);
                }
            }
        }
    }

    /** Number of panels for some rows. */
    static int panelCount(int rows, int fewest) {
        return Math.max(0, (rows + PANEL_ROWS - fewest) / PANEL_ROWS);
    }

    /** Number of panels. */
    int panelCount() {
        return panelCount;
    }

    /** The first row that is in no panel. */
    int single() {
        return Math.min(rows, panelCount * PANEL_ROWS);
    }

    /** Where a panel begins. */
    int begin(int panel) {
        return panel * PANEL_ROWS * whole;
    }

    /** Where a row of x begins. */
    int row(int index) {
        return index * width;
    }

    /** The row of x that follows the last one of a panel. */
    int end(int panel) {
        return Math.min(rows, (panel + 1) * PANEL_ROWS);
    }

    /** Writes column o of y for the rows of a panel: the totals of as many vectors of sums, one behind the other. */
    void put(int panel, float[] y, int out, int o, float[] sums, int from) {
        for (int r = panel * PANEL_ROWS; r < end(panel); r++) {
            y[r * out + o] = Lanes.total(sums, from + r % PANEL_ROWS * Lanes.L);
        }
    }
}
