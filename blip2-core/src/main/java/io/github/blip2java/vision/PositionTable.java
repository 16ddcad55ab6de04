/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.vision;

import java.util.Arrays;

/**
 * Learned positions of a square grid of patches, resized to other grids.
 *
 * <p>Reference: {@code Blip2VisionEmbeddings.interpolate_pos_encoding}, that is bicubic interpolation with A = −0.75,
 * half-pixel centres, clamped borders and no antialiasing; the class position is left alone.
 */
final class PositionTable {
    private static final float A = -0.75f;

    private final float[] table;
    private final int side;
    private final int hidden;

    /**
     * Keeps a table.
     *
     * @param table  {@code [1 + side * side, hidden]}, the class position first
     * @param side   patches in each direction
     * @param hidden length of a position
     */
    PositionTable(float[] table, int side, int hidden) {
        this.table = table;
        this.side = side;
        this.hidden = hidden;
    }

    /**
     * Gives the positions of a grid.
     *
     * @param down   patches from top to bottom
     * @param across patches from left to right
     * @return {@code [1 + down * across, hidden]}; the table itself when it has this size
     */
    float[] forGrid(int down, int across) {
        if (down == side && across == side) {
            return table;
        }
        float[] out = Arrays.copyOf(table, (1 + down * across) * hidden);
        for (int y = 0; y < down; y++) {
            float sourceY = (y + 0.5f) * side / down - 0.5f;
            float[] weightsY = weights(sourceY);
            for (int x = 0; x < across; x++) {
                float sourceX = (x + 0.5f) * side / across - 0.5f;
                int to = (1 + y * across + x) * hidden;
                interpolate(weightsY, (int) Math.floor(sourceY), weights(sourceX), (int) Math.floor(sourceX), out, to);
            }
        }
        return out;
    }

    private void interpolate(float[] weightsY, int floorY, float[] weightsX, int floorX, float[] out, int to) {
        Arrays.fill(out, to, to + hidden, 0f);
        for (int i = 0; i < 4; i++) {
            int row = clamp(floorY - 1 + i);
            for (int j = 0; j < 4; j++) {
                float weight = weightsY[i] * weightsX[j];
                int from = (1 + row * side + clamp(floorX - 1 + j)) * hidden;
                for (int d = 0; d < hidden; d++) {
                    out[to + d] += weight * table[from + d];
                }
            }
        }
    }

    private int clamp(int index) {
        return Math.max(0, Math.min(side - 1, index));
    }

    /** Weights of the four neighbours of a position, from the cubic convolution kernel. */
    private static float[] weights(float position) {
        float t = position - (float) Math.floor(position);
        return new float[] {outer(1 + t), inner(t), inner(1 - t), outer(2 - t)};
    }

    private static float inner(float d) {
        return ((A + 2) * d - (A + 3)) * d * d + 1;
    }

    private static float outer(float d) {
        return ((A * d - 5 * A) * d + 8 * A) * d - 4 * A;
    }
}
