/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.awt.Color;

/**
 * A colour under what is transparent.
 *
 * <p>Reference: Pillow's {@code Image.alpha_composite} over an opaque picture, whose arithmetic this is. Colours of pixels count as they are
 * stored, not multiplied by alpha.
 */
final class Ground {
    private static final int OPAQUE = 255;

    /** Reference: {@code PRECISION_BITS} of {@code AlphaComposite.c}. */
    private static final int PRECISION = 7;

    private final byte[] rgb;

    private Ground(Color color) {
        rgb = new byte[] {(byte) color.getRed(), (byte) color.getGreen(), (byte) color.getBlue()};
    }

    /** A ground, or null where alpha is dropped. */
    static Ground of(Color color) {
        return color == null ? null : new Ground(color);
    }

    /** Red, green and blue. */
    byte[] rgb() {
        return rgb.clone();
    }

    /**
     * Puts this under a pixel.
     *
     * @param pixels red, green and blue of pixels
     * @param at where the pixel begins
     * @param alpha 0 (nothing of it is left) to 255
     */
    void under(byte[] pixels, int at, int alpha) {
        for (int band = 0; band < 3 && alpha < OPAQUE; band++) {
            int sum = (pixels[at + band] & 0xff) * alpha + (rgb[band] & 0xff) * (OPAQUE - alpha) + 128 << PRECISION;
            pixels[at + band] = (byte) ((sum >> 8) + sum >> 8 + PRECISION);
        }
    }

    /** Puts this under rows whose pixels have their alpha in one of the bands. */
    RowConverter under(RowConverter colors, int bands, int alphaBand, int shift) {
        return (row, out, target) -> {
            colors.convert(row, out, target);
            for (int i = alphaBand, at = target; i < row.length; i += bands, at += 3) {
                under(out, at, row[i] >> shift);
            }
        };
    }

    /** Puts this in place of all pixels of one colour. */
    void inPlaceOf(byte[] color, byte[] pixels) {
        for (int at = 0; at < pixels.length; at += 3) {
            if (pixels[at] == color[0] && pixels[at + 1] == color[1] && pixels[at + 2] == color[2]) {
                under(pixels, at, 0);
            }
        }
    }

    /** Fills a picture. */
    void fill(byte[] pixels) {
        for (int at = 0; at < pixels.length; at += 3) {
            under(pixels, at, 0);
        }
    }
}
