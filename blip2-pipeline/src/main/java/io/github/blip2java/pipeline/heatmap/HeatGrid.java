/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.heatmap;

/**
 * A number for each patch, made a smooth surface over the picture: a cubic B-spline, which has no corners, and never goes below or above
 * the numbers around, as interpolation through them would.
 */
final class HeatGrid {
    private HeatGrid() {}

    /**
     * Spreads a grid over pixels.
     *
     * @param grid   {@code [rows][columns]}, 0 or more each
     * @param width  pixels
     * @param height pixels
     * @return {@code [height * width]}, from 0 at the coldest pixel to 1 at the hottest; all 0 where all are alike
     */
    static float[] spread(float[][] grid, int width, int height) {
        Weights down = new Weights(grid.length, height);
        Weights across = new Weights(grid[0].length, width);
        float[] heat = new float[Math.multiplyExact(width, height)];
        float least = Float.POSITIVE_INFINITY;
        float most = 0;
        float[] row = new float[grid[0].length];
        for (int y = 0; y < height; y++) {
            for (int column = 0; column < row.length; column++) {
                row[column] = 0;
                for (int i = 0; i < 4; i++) {
                    row[column] += down.weight[4 * y + i] * grid[down.place[4 * y + i]][column];
                }
            }
            for (int x = 0; x < width; x++) {
                float sum = 0;
                for (int i = 0; i < 4; i++) {
                    sum += across.weight[4 * x + i] * row[across.place[4 * x + i]];
                }
                heat[y * width + x] = sum;
                least = Math.min(least, sum);
                most = Math.max(most, sum);
            }
        }
        // What rounding makes of a flat grid is no heat.
        float range = most - least > 1e-5f * most ? most - least : Float.POSITIVE_INFINITY;
        for (int i = 0; i < heat.length; i++) {
            heat[i] = (heat[i] - least) / range;
        }
        return heat;
    }

    /** For each pixel the four cells around it and how much each counts. */
    private static final class Weights {
        private final int[] place;
        private final float[] weight;

        Weights(int cells, int pixels) {
            place = new int[4 * pixels];
            weight = new float[4 * pixels];
            for (int pixel = 0; pixel < pixels; pixel++) {
                // In cells, from the centre of the first.
                double at = (pixel + 0.5) * cells / pixels - 0.5;
                int below = (int) Math.floor(at);
                double t = at - below;
                double[] spline = {
                    (1 - t) * (1 - t) * (1 - t) / 6,
                    (3 * t * t * t - 6 * t * t + 4) / 6,
                    (-3 * t * t * t + 3 * t * t + 3 * t + 1) / 6,
                    t * t * t / 6
                };
                for (int i = 0; i < 4; i++) {
                    place[4 * pixel + i] = Math.max(0, Math.min(cells - 1, below - 1 + i));
                    weight[4 * pixel + i] = (float) spline[i];
                }
            }
        }
    }
}
