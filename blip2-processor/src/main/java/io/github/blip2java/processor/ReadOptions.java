/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

/**
 * How picture files are read.
 *
 * @param applyExifOrientation whether a picture is turned upright as its metadata asks, true unless told otherwise;
 *     {@code transformers}' {@code load_image} and its pipelines do so, {@code PIL.Image.open} alone does not
 * @param maxPixels width times height above which a file is refused before it is decoded, so that a small file cannot
 *     exhaust the memory; Pillow's limit unless told otherwise
 */
public record ReadOptions(boolean applyExifOrientation, long maxPixels) {

    /** Pillow's limit: above it, {@code PIL.Image.open} raises a {@code DecompressionBombError}. */
    public static final long DEFAULT_MAX_PIXELS = 178_956_970;

    /** More would not fit a Java array of three bytes a pixel. */
    private static final long LARGEST_MAX_PIXELS = Integer.MAX_VALUE / 3;

    /**
     * Checks the values.
     *
     * @param applyExifOrientation either
     * @param maxPixels 1 to 715,827,882
     * @throws IllegalArgumentException when {@code maxPixels} is below 1 or above 715,827,882
     */
    public ReadOptions {
        if (maxPixels < 1 || maxPixels > LARGEST_MAX_PIXELS) {
            throw new IllegalArgumentException("maxPixels: expected 1 to " + LARGEST_MAX_PIXELS + ", got " + maxPixels);
        }
    }

    /**
     * Returns the defaults: orientation applied, Pillow's pixel limit.
     *
     * @return the defaults
     */
    public static ReadOptions defaults() {
        return new ReadOptions(true, DEFAULT_MAX_PIXELS);
    }

    /**
     * Returns these options with another handling of the orientation.
     *
     * @param apply whether to turn pictures upright as their metadata asks
     * @return new options
     */
    public ReadOptions withApplyExifOrientation(boolean apply) {
        return new ReadOptions(apply, maxPixels);
    }

    /**
     * Returns these options with another limit.
     *
     * @param limit the largest width times height to decode, 1 to 715,827,882
     * @return new options
     * @throws IllegalArgumentException when the limit is out of range
     */
    public ReadOptions withMaxPixels(long limit) {
        return new ReadOptions(applyExifOrientation, limit);
    }
}
