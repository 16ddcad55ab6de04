/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.awt.Color;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.DirectColorModel;
import java.awt.image.Raster;
import java.util.function.BiFunction;

/**
 * Any {@link BufferedImage} to RGB bytes.
 *
 * <p>Samples are read from the raster where {@code getRGB} would change them: it takes gray for linear light, and
 * rounds 16-bit channels. Alpha is dropped unless a ground is given; colour profiles are ignored, as Pillow does.
 */
public final class BufferedImages {

    /** Whose rule holds for samples that are not eight bits wide. */
    enum Depth {
        /** Java's: a sample is a fraction of its largest value; 16-bit gray keeps its high byte. */
        JAVA,
        /**
         * Pillow's: 16-bit gray is cut at 255, and five- and six-bit colours are scaled rounding down.
         *
         * <p>Reference: Pillow 12.3 keeps 16-bit gray in mode {@code I;16}, whose conversion to RGB clips.
         */
        PILLOW
    }

    private BufferedImages() {}

    /**
     * Converts a picture of any type.
     *
     * @param image a picture of any {@link BufferedImage} type; it is only read
     * @return its pixels
     */
    public static Pixels toRgb(BufferedImage image) {
        return toRgb(image, null);
    }

    /**
     * Converts a picture of any type, with a colour under what is transparent.
     *
     * @param image as above
     * @param ground the colour, null to drop alpha
     * @return its pixels
     */
    public static Pixels toRgb(BufferedImage image, Color ground) {
        boolean alpha = image.getColorModel().hasAlpha();
        return toRgb(image, Depth.JAVA, alpha ? Ground.of(ground) : null, RowConverter::convert);
    }

    /**
     * As above, of a picture that nobody else uses: it is lost.
     *
     * @param ground for a picture whose second band of two, or fourth of four and more, is its alpha; else null
     */
    static Pixels take(BufferedImage image, Depth depth, Ground ground) {
        return toRgb(image, depth, ground, RowConverter::take);
    }

    private static Pixels toRgb(
            BufferedImage image, Depth depth, Ground ground, BiFunction<Raster, RowConverter, Pixels> conversion) {
        Raster raster = image.getRaster();
        ColorModel colors = image.getColorModel();
        boolean bytes = raster.getTransferType() == DataBuffer.TYPE_BYTE;
        boolean integers = bytes || raster.getTransferType() == DataBuffer.TYPE_USHORT;
        if (colors instanceof ComponentColorModel && integers && !colors.isAlphaPremultiplied()) {
            int bands = raster.getNumBands();
            int shift = bytes ? 0 : 8;
            switch (colors.getColorSpace().getType()) {
                case ColorSpace.TYPE_GRAY:
                    return conversion.apply(
                            raster, over(ground, gray(bands, shift, depth == Depth.PILLOW), bands, 1, shift));
                case ColorSpace.TYPE_RGB:
                    return conversion.apply(raster, over(ground, rgb(bands, shift), bands, 3, shift));
                case ColorSpace.TYPE_CMYK:
                    return conversion.apply(raster, cmyk(bands, shift));
                default:
                    return managed(image, ground);
            }
        }
        if (depth == Depth.PILLOW && colors instanceof DirectColorModel && colors.getComponentSize(0) < 8) {
            return conversion.apply(raster, narrow(raster.getNumBands(), colors));
        }
        return managed(image, ground);
    }

    private static RowConverter over(Ground ground, RowConverter colors, int bands, int alphaBand, int shift) {
        return ground == null || bands <= alphaBand ? colors : ground.under(colors, bands, alphaBand, shift);
    }

    /** Palette indices looked up in three tables of equal length. */
    static Pixels indexed(Raster raster, byte[][] palette) {
        return RowConverter.convert(raster, (row, out, target) -> {
            for (int index : row) {
                for (byte[] channel : palette) {
                    out[target++] = channel[index];
                }
            }
        });
    }

    private static RowConverter gray(int bands, int shift, boolean cut) {
        return (row, out, target) -> {
            for (int i = 0; i < row.length; i += bands) {
                byte value = (byte) (cut ? Math.min(row[i], 255) : row[i] >> shift);
                out[target++] = value;
                out[target++] = value;
                out[target++] = value;
            }
        };
    }

    private static RowConverter rgb(int bands, int shift) {
        return (row, out, target) -> {
            for (int i = 0; i < row.length; i += bands) {
                out[target++] = (byte) (row[i] >> shift);
                out[target++] = (byte) (row[i + 1] >> shift);
                out[target++] = (byte) (row[i + 2] >> shift);
            }
        };
    }

    private static RowConverter cmyk(int bands, int shift) {
        return (row, out, target) -> {
            for (int i = 0; i < row.length; i += bands) {
                int light = 255 - (row[i + 3] >> shift);
                for (int band = 0; band < 3; band++) {
                    out[target++] = JpegPixels.inkToLight(row[i + band] >> shift, light);
                }
            }
        };
    }

    /** Packed pixels of fewer than eight bits a channel, scaled rounding down. */
    private static RowConverter narrow(int bands, ColorModel colors) {
        return (row, out, target) -> {
            for (int i = 0; i < row.length; i += bands) {
                for (int band = 0; band < 3; band++) {
                    int largest = (1 << colors.getComponentSize(band)) - 1;
                    out[target++] = (byte) (row[i + band] * 255 / largest);
                }
            }
        };
    }

    /** Palettes, packed and premultiplied pixels: here {@code getRGB} is exact. */
    private static Pixels managed(BufferedImage image, Ground ground) {
        Pixels pixels = Pixels.allocate(image.getWidth(), image.getHeight());
        byte[] out = pixels.rgb();
        int target = 0;
        int[] row = new int[image.getWidth()];
        for (int y = 0; y < image.getHeight(); y++) {
            image.getRGB(0, y, row.length, 1, row, 0, row.length);
            for (int argb : row) {
                out[target++] = (byte) (argb >> 16);
                out[target++] = (byte) (argb >> 8);
                out[target++] = (byte) argb;
                if (ground != null) {
                    ground.under(out, target - 3, argb >>> 24);
                }
            }
        }
        return pixels;
    }
}
