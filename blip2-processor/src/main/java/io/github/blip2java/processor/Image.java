/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import java.util.Arrays;

/**
 * A picture: eight bits for each of red, green and blue. Immutable.
 *
 * <p>{@link ImageReader} makes one from a file or a {@link java.awt.image.BufferedImage}.
 */
public final class Image {

    private final int width;
    private final int height;
    private final byte[] rgb;

    private Image(int width, int height, byte[] rgb) {
        this.width = width;
        this.height = height;
        this.rgb = rgb;
    }

    /**
     * Makes a picture from a copy of its bytes.
     *
     * @param width pixels in a row, at least 1
     * @param height rows, at least 1
     * @param rgb {@code height * width * 3} bytes, rows from the top, red, green, blue
     * @return the picture
     * @throws IllegalArgumentException when a size is below 1 or the number of bytes is another
     */
    public static Image ofRgb(int width, int height, byte[] rgb) {
        return wrap(width, height, rgb.clone());
    }

    /** As {@link #ofRgb}, but keeps the array, which must not change any more. */
    static Image wrap(int width, int height, byte[] rgb) {
        if (width < 1 || height < 1 || rgb.length != 3L * width * height) {
            throw new IllegalArgumentException(
                    "image: expected width and height of at least 1 and 3 bytes a pixel, got " + width + "x" + height
                            + " and " + rgb.length + " bytes");
        }
        return new Image(width, height, rgb);
    }

    /**
     * Returns the width.
     *
     * @return pixels in a row
     */
    public int width() {
        return width;
    }

    /**
     * Returns the height.
     *
     * @return rows
     */
    public int height() {
        return height;
    }

    /**
     * Returns the bytes.
     *
     * @return a copy of the {@code height * width * 3} bytes, rows from the top, red, green, blue
     */
    public byte[] rgb() {
        return rgb.clone();
    }

    /** The bytes themselves, not to be written to. */
    byte[] sharedRgb() {
        return rgb;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Image that
                && width == that.width
                && height == that.height
                && Arrays.equals(rgb, that.rgb);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * width + height) + Arrays.hashCode(rgb);
    }

    @Override
    public String toString() {
        return "Image[" + width + "x" + height + "]";
    }
}
