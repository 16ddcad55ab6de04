/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import java.awt.Color;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * How picture files are read.
 *
 * @param applyExifOrientation whether a picture is turned upright as its metadata asks, true unless told otherwise;
 *     {@code transformers}' {@code load_image} and its pipelines do so, {@code PIL.Image.open} alone does not
 * @param maxPixels width times height above which a file is refused before it is decoded, so that a small file cannot
 *     exhaust the memory; Pillow's limit unless told otherwise
 * @param background the colour under what is transparent, as Pillow's {@code Image.alpha_composite} has it; null unless told otherwise: then
 *     alpha is dropped, as {@code transformers} does, and a transparent pixel has whatever colour is stored with it, mostly black
 * @param allowTruncated whether a file that stops half-way is read as Pillow reads it with {@code ImageFile.LOAD_TRUNCATED_IMAGES}: what is
 *     missing is gray in a JPEG, and zero in a PNG, GIF, plain BMP, PBM, PGM and PPM of bytes; false unless told otherwise, as for all other
 *     files
 */
public record ReadOptions(boolean applyExifOrientation, long maxPixels, Color background, boolean allowTruncated) {

    /** Pillow's limit: above it, {@code PIL.Image.open} raises a {@code DecompressionBombError}. */
    public static final long DEFAULT_MAX_PIXELS = 178_956_970;

    /** Source: CSS 2.1, section 4.3.6. */
    private static final Map<String, String> NAMES = new TreeMap<>(Map.ofEntries(
            Map.entry("aqua", "#00ffff"),
            Map.entry("black", "#000000"),
            Map.entry("blue", "#0000ff"),
            Map.entry("fuchsia", "#ff00ff"),
            Map.entry("gray", "#808080"),
            Map.entry("green", "#008000"),
            Map.entry("lime", "#00ff00"),
            Map.entry("maroon", "#800000"),
            Map.entry("navy", "#000080"),
            Map.entry("olive", "#808000"),
            Map.entry("orange", "#ffa500"),
            Map.entry("purple", "#800080"),
            Map.entry("red", "#ff0000"),
            Map.entry("silver", "#c0c0c0"),
            Map.entry("teal", "#008080"),
            Map.entry("white", "#ffffff"),
            Map.entry("yellow", "#ffff00")));

    /** More would not fit a Java array of three bytes a pixel. */
    private static final long LARGEST_MAX_PIXELS = Integer.MAX_VALUE / 3;

    /**
     * Checks the values.
     *
     * @param applyExifOrientation either
     * @param maxPixels 1 to 715,827,882
     * @param background a colour, whose own alpha is ignored, or null
     * @param allowTruncated either
     * @throws IllegalArgumentException when {@code maxPixels} is below 1 or above 715,827,882
     */
    public ReadOptions {
        if (maxPixels < 1 || maxPixels > LARGEST_MAX_PIXELS) {
            throw new IllegalArgumentException("maxPixels: expected 1 to " + LARGEST_MAX_PIXELS + ", got " + maxPixels);
        }
    }

    /**
     * Returns the defaults: orientation applied, Pillow's pixel limit, alpha dropped, nothing missing.
     *
     * @return the defaults
     */
    public static ReadOptions defaults() {
        return new ReadOptions(true, DEFAULT_MAX_PIXELS, null, false);
    }

    /**
     * Returns these options with another handling of the orientation.
     *
     * @param apply whether to turn pictures upright as their metadata asks
     * @return new options
     */
    public ReadOptions withApplyExifOrientation(boolean apply) {
        return new ReadOptions(apply, maxPixels, background, allowTruncated);
    }

    /**
     * Returns these options with another limit.
     *
     * @param limit the largest width times height to decode, 1 to 715,827,882
     * @return new options
     * @throws IllegalArgumentException when the limit is out of range
     */
    public ReadOptions withMaxPixels(long limit) {
        return new ReadOptions(applyExifOrientation, limit, background, allowTruncated);
    }

    /**
     * Returns these options with another background.
     *
     * @param color the colour under what is transparent; null to drop alpha
     * @return new options
     */
    public ReadOptions withBackground(Color color) {
        return new ReadOptions(applyExifOrientation, maxPixels, color, allowTruncated);
    }

    /**
     * Returns these options with or without files that stop half-way.
     *
     * @param allow whether what is missing may be gray or black
     * @return new options
     */
    public ReadOptions withAllowTruncated(boolean allow) {
        return new ReadOptions(applyExifOrientation, maxPixels, background, allow);
    }

    /**
     * Returns these options with another background.
     *
     * @param color the colour as in CSS: {@code #rrggbb}, {@code #rgb}, or one of the names of CSS 2.1, in letters of either case
     * @return new options
     * @throws IllegalArgumentException when it is none of these
     */
    public ReadOptions withBackground(String color) {
        String wanted = color.strip().toLowerCase(Locale.ROOT);
        String digits = NAMES.getOrDefault(wanted, wanted);
        if (digits.matches("#[0-9a-f]{3}")) {
            digits = digits.replaceAll("([0-9a-f])", "$1$1");
        }
        if (!digits.matches("#[0-9a-f]{6}")) {
            throw new IllegalArgumentException("background: expected a colour as #rrggbb, #rgb, or one of "
                    + String.join(", ", NAMES.keySet()) + "; got \"" + color + '"');
        }
        return withBackground(Color.decode(digits));
    }
}
