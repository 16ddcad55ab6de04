/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.heatmap;

/** How a coarse grid becomes a fine one: each pixel is made of the four by four cells around it, beyond the edges the last ones again. */
enum Cubic {
    /** A surface without corners that never goes below or above the cells around: for heat. */
    B_SPLINE {
        @Override
        double[] weights(double t) {
            return new double[] {
                (1 - t) * (1 - t) * (1 - t) / 6,
                (3 * t * t * t - 6 * t * t + 4) / 6,
                (-3 * t * t * t + 3 * t * t + 3 * t + 1) / 6,
                t * t * t / 6
            };
        }
    },
    /** A surface through the cells, with edges as sharp as they are: for pictures. Usual name: bicubic, by Catmull and Rom. */
    CATMULL_ROM {
        @Override
        double[] weights(double t) {
            return new double[] {
                (-t * t * t + 2 * t * t - t) / 2,
                (3 * t * t * t - 5 * t * t + 2) / 2,
                (-3 * t * t * t + 4 * t * t + t) / 2,
                (t * t * t - t * t) / 2
            };
        }
    };

    /** How much each of four neighbours counts, t between the second and the third. */
    abstract double[] weights(double t);

    /**
     * Spreads a grid over pixels.
     *
     * @param grid   {@code [rows][columns]}
     * @param width  pixels
     * @param height pixels
     * @return {@code [height * width]}
     */
    float[] spread(float[][] grid, int width, int height) {
        Places down = new Places(grid.length, height);
        Places across = new Places(grid[0].length, width);
        float[] pixels = new float[Math.multiplyExact(width, height)];
        float[] row = new float[grid[0].length];
        for (int y = 0; y < height; y++) {
            for (int column = 0; column < row.length; column++) {
                row[column] = 0;
                for (int i = 4 * y; i < 4 * y + 4; i++) {
                    row[column] += down.weight[i] * grid[down.cell[i]][column];
                }
            }
            for (int x = 0; x < width; x++) {
                for (int i = 4 * x; i < 4 * x + 4; i++) {
                    pixels[y * width + x] += across.weight[i] * row[across.cell[i]];
                }
            }
        }
        return pixels;
    }

    /** For each pixel the four cells around it and how much each counts. */
    private final class Places {
        private final int[] cell;
        private final float[] weight;

        Places(int cells, int pixels) {
            cell = new int[4 * pixels];
            weight = new float[4 * pixels];
            for (int pixel = 0; pixel < pixels; pixel++) {
                // In cells, from the centre of the first.
                double at = (pixel + 0.5) * cells / pixels - 0.5;
                int below = (int) Math.floor(at);
                double[] weights = weights(at - below);
                for (int i = 0; i < 4; i++) {
                    cell[4 * pixel + i] = Math.max(0, Math.min(cells - 1, below - 1 + i));
                    weight[4 * pixel + i] = (float) weights[i];
                }
            }
        }
    }
}
