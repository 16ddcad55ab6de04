/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.awt.image.DataBufferByte;
import java.awt.image.PixelInterleavedSampleModel;
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
        return convert(raster, converter, Pixels.allocate(raster.getWidth(), raster.getHeight()));
    }

    /** All rows of a raster that nobody else uses, converted in place where each pixel has three bytes: the raster is lost. */
    static Pixels take(Raster raster, RowConverter converter) {
        byte[] own = bytes(raster);
        return own == null
                ? convert(raster, converter)
                : convert(raster, converter, new Pixels(raster.getWidth(), raster.getHeight(), own));
    }

    private static Pixels convert(Raster raster, RowConverter converter, Pixels pixels) {
        int width = raster.getWidth();
        int[] row = new int[width * raster.getNumBands()];
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            converter.convert(row, pixels.rgb(), 3 * y * width);
        }
        return pixels;
    }

    /** The bytes of a raster that holds three for each pixel and nothing else, or null. */
    private static byte[] bytes(Raster raster) {
        boolean plain = raster.getParent() == null
                && raster.getDataBuffer() instanceof DataBufferByte buffer
                && buffer.getNumBanks() == 1
                && buffer.getOffset() == 0
                && buffer.getSize() == 3L * raster.getWidth() * raster.getHeight()
                && raster.getSampleModel() instanceof PixelInterleavedSampleModel model
                && model.getPixelStride() == 3
                && model.getScanlineStride() == 3 * raster.getWidth();
        return plain ? ((DataBufferByte) raster.getDataBuffer()).getData() : null;
    }
}
