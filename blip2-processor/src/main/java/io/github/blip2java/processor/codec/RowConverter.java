/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.codec;

import java.awt.image.Raster;

/** How one row of samples, all bands of a pixel side by side, becomes RGB bytes. */
@FunctionalInterface
interface RowConverter {

    /**
     * Converts a row.
     *
     * @param row samples, {@code width * bands}
     * @param out where the bytes go
     * @param target index of the row's first byte in {@code out}
     */
    void convert(int[] row, byte[] out, int target);

    /** 16-bit gray with a sign, cut at 0 and 255. */
    static void signedGray(int[] row, byte[] out, int target) {
        int at = target;
        for (int value : row) {
            byte gray = (byte) Math.max(0, Math.min(255, (short) value));
            for (int band = 0; band < 3; band++) {
                out[at++] = gray;
            }
        }
    }

    /** All rows of a raster, converted. */
    static Pixels convert(Raster raster, RowConverter converter) {
        int width = raster.getWidth();
        Pixels pixels = Pixels.allocate(width, raster.getHeight());
        int[] row = new int[width * raster.getNumBands()];
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            converter.convert(row, pixels.rgb(), 3 * y * width);
        }
        return pixels;
    }
}
