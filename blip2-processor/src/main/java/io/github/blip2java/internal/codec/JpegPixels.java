/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.awt.image.Raster;

/**
 * Turns the raw components of a JPEG into RGB.
 *
 * <p>The JDK hands the components over as stored; converting them here, with the integer arithmetic of libjpeg, gives
 * Pillow's bytes. It also leaves out what the JDK would do on its own: apply an embedded colour profile, linearise
 * gray, guess a colour model.
 */
final class JpegPixels {

    // 1.402, 1.772, 0.34414 and 0.71414 times 2^16, rounded: the JFIF conversion as libjpeg has it.
    private static final int CR_TO_RED = 91881;
    private static final int CB_TO_BLUE = 116130;
    private static final int CB_TO_GREEN = 22554;
    private static final int CR_TO_GREEN = 46802;
    private static final int HALF = 1 << 15;

    private JpegPixels() {}

    static Pixels toRgb(Raster raster, JpegFile.ColorModel model) {
        return RowConverter.take(
                raster,
                switch (model) {
                    case GRAY -> JpegPixels::gray;
                    case RGB -> JpegPixels::rgb;
                    case YCBCR -> (row, out, target) -> yCbCr(row, 3, out, target);
                    case CMYK -> JpegPixels::cmyk;
                    case YCCK -> JpegPixels::ycck;
                });
    }

    private static void gray(int[] row, byte[] out, int target) {
        for (int value : row) {
            out[target++] = (byte) value;
            out[target++] = (byte) value;
            out[target++] = (byte) value;
        }
    }

    private static void rgb(int[] row, byte[] out, int target) {
        for (int value : row) {
            out[target++] = (byte) value;
        }
    }

    private static void yCbCr(int[] row, int bands, byte[] out, int target) {
        for (int i = 0; i < row.length; i += bands) {
            int y = row[i];
            int cb = row[i + 1] - 128;
            int cr = row[i + 2] - 128;
            out[target++] = clip(y + (CR_TO_RED * cr + HALF >> 16));
            out[target++] = clip(y + (-CB_TO_GREEN * cb - CR_TO_GREEN * cr + HALF >> 16));
            out[target++] = clip(y + (CB_TO_BLUE * cb + HALF >> 16));
        }
    }

    /** CMYK as stored. Reference: Pillow takes every CMYK JPEG for an inverted one, with or without Adobe's marker. */
    private static void cmyk(int[] row, byte[] out, int target) {
        for (int i = 0; i < row.length; i += 4) {
            for (int band = 0; band < 3; band++) {
                out[target++] = inkToLight(255 - row[i + band], row[i + 3]);
            }
        }
    }

    /** Reference: libjpeg makes C = 255 - R of the YCbCr part, Pillow inverts it back, so R is the ink. */
    private static void ycck(int[] row, byte[] out, int target) {
        yCbCr(row, 4, out, target);
        for (int i = 0; i < row.length; i += 4) {
            for (int band = 0; band < 3; band++, target++) {
                out[target] = inkToLight(out[target] & 0xff, row[i + 3]);
            }
        }
    }

    /**
     * One channel of RGB from one ink and the black left over.
     *
     * @param ink 0 (none) to 255 of cyan, magenta or yellow
     * @param light 255 minus the black ink
     */
    static byte inkToLight(int ink, int light) {
        int product = ink * light + 128;
        return clip(light - ((product >> 8) + product >> 8));
    }

    private static byte clip(int value) {
        return (byte) Math.max(0, Math.min(255, value));
    }
}
