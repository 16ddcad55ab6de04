/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.heatmap;

import io.github.blip2java.AttentionMap;
import io.github.blip2java.processor.Image;
import java.util.List;

/**
 * A picture with a heat map over it: dim where a text does not look, glowing where it does, with a legend below.
 *
 * <pre>{@code
 * Files.write(Path.of("apple.png"), HeatMap.of(image, blip2.explain(image, "a red apple")).withCaption("a red apple").png());
 * }</pre>
 *
 * <p>The hottest place of a map always glows most and the coldest never, however hot they are: maps do not compare with each other. Needs no fonts and no display.
 * Immutable.
 */
public final class HeatMap {
    /** Smaller pictures are enlarged, so that the legend can be read and the heat be seen. */
    static final int SMALLEST = 512;

    private static final int CAPTION_LINES = 4;
    private static final int INK = 0x222222;
    private static final String LOW = "low attention";
    private static final String HIGH = "high attention";

    /** What remains of a picture's light and colour where there is no heat. */
    private static final double LIGHT = 0.65;

    private static final double COLOUR = 0.7;

    /** How much of the hottest place is heat; the rest is picture. */
    private static final double OPAQUE = 0.8;

    /** Below 1: half the heat is more than half as visible, as a few patches are often far hotter than all others. */
    private static final double GAMMA = 0.7;

    private final Image picture;
    private final float[][] heat;
    private final String caption;

    private HeatMap(Image picture, float[][] heat, String caption) {
        this.picture = picture;
        this.heat = heat;
        this.caption = caption;
    }

    /**
     * Takes a map over a picture.
     *
     * @param picture the picture, of any size
     * @param map     what was seen of the whole picture; the mean over its heads counts
     * @return the heat map, without caption
     */
    public static HeatMap of(Image picture, AttentionMap map) {
        return new HeatMap(picture, map.mean(), "");
    }

    /**
     * Says below the picture what the heat is about.
     *
     * @param text such as the text that was explained; four lines at most are shown; null or blank for none
     * @return the heat map with this caption
     */
    public HeatMap withCaption(String text) {
        return new HeatMap(picture, heat, text == null ? "" : text);
    }

    /**
     * Draws picture and heat alone.
     *
     * @return an image of the picture's size
     */
    public Image overlay() {
        byte[] rgb = new byte[3 * picture.width() * picture.height()];
        int[] pixels = overlay(picture.rgb(), picture.width(), picture.height());
        for (int i = 0; i < pixels.length; i++) {
            for (int channel = 0; channel < 3; channel++) {
                rgb[3 * i + channel] = (byte) (pixels[i] >> 8 * (2 - channel));
            }
        }
        return Image.ofRgb(picture.width(), picture.height(), rgb);
    }

    private int[] overlay(byte[] rgb, int width, int height) {
        float[] spread = normalised(Cubic.B_SPLINE.spread(heat, width, height));
        int[] pixels = new int[width * height];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = blend(rgb[3 * i] & 0xff, rgb[3 * i + 1] & 0xff, rgb[3 * i + 2] & 0xff, spread[i]);
        }
        return pixels;
    }

    /** From 0 at the coldest pixel to 1 at the hottest; all 0 where all are alike. */
    static float[] normalised(float[] spread) {
        float least = Float.POSITIVE_INFINITY;
        float most = 0;
        for (float value : spread) {
            least = Math.min(least, value);
            most = Math.max(most, value);
        }
        // What rounding makes of a flat grid is no heat.
        float range = most - least > 1e-5f * most ? most - least : Float.POSITIVE_INFINITY;
        for (int i = 0; i < spread.length; i++) {
            spread[i] = (spread[i] - least) / range;
        }
        return spread;
    }

    /** A pixel of the picture under some heat, 0 to 1. */
    private static int blend(int red, int green, int blue, double heat) {
        double shown = Math.pow(heat, GAMMA);
        double opaque = OPAQUE * shown;
        double grey = 0.299 * red + 0.587 * green + 0.114 * blue;
        int[] colours = {red, green, blue};
        int pixel = 0;
        for (int channel = 0; channel < 3; channel++) {
            double dim = LIGHT * (COLOUR * colours[channel] + (1 - COLOUR) * grey);
            double mixed = (1 - opaque) * dim + opaque * ColourMap.channel(shown, channel);
            pixel = pixel << 8 | (int) Math.round(mixed);
        }
        return pixel;
    }

    /**
     * Draws picture, heat and legend, as a file.
     *
     * @return a PNG; its width is the picture's, or more where that is small
     */
    public byte[] png() {
        return drawn().png();
    }

    private Canvas drawn() {
        double scale = Math.max(1, SMALLEST / (double) Math.max(picture.width(), picture.height()));
        int width = Math.max(1, (int) Math.round(scale * picture.width()));
        int height = Math.max(1, (int) Math.round(scale * picture.height()));
        int across = Math.max(width, SMALLEST);
        double letter = Math.max(across / 28.0, 18);
        double margin = letter * 0.8;
        List<String> lines =
                caption.isBlank() ? List.of() : Lettering.wrap(caption, letter, across - 2 * margin, CAPTION_LINES);
        double captionHeight = lines.size() * 1.35 * letter;
        Canvas canvas = new Canvas(across, height + (int) Math.ceil(captionHeight + 3 * letter));
        canvas.put(overlay(enlarged(width, height), width, height), width, (across - width) / 2, 0);
        for (int i = 0; i < lines.size(); i++) {
            Lettering.draw(canvas, lines.get(i), letter, margin, height + (1.45 + 1.35 * i) * letter, INK);
        }
        bar(canvas, letter, margin, (int) (height + captionHeight + letter));
        return canvas;
    }

    /** Colours from no heat to the most, as they are over grey, with words at both ends. */
    private static void bar(Canvas canvas, double letter, double margin, int top) {
        double size = 0.8 * letter;
        int from = (int) Math.round(margin + Lettering.width(LOW, size) + 0.5 * letter);
        int to = (int) Math.round(canvas.width() - margin - Lettering.width(HIGH, size) - 0.5 * letter);
        int thick = (int) Math.round(0.8 * letter);
        for (int x = from; x < to; x++) {
            int colour = blend(200, 200, 200, (x - from) / (to - 1.0 - from));
            for (int y = top; y < top + thick; y++) {
                canvas.set(x, y, colour);
            }
        }
        double line = top + thick * 0.5 + size * 0.36;
        Lettering.draw(canvas, LOW, size, margin, line, INK);
        Lettering.draw(canvas, HIGH, size, to + 0.5 * letter, line, INK);
    }

    private byte[] enlarged(int width, int height) {
        byte[] rgb = picture.rgb();
        if (width == picture.width() && height == picture.height()) {
            return rgb;
        }
        byte[] enlarged = new byte[3 * width * height];
        float[][] channel = new float[picture.height()][picture.width()];
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < rgb.length / 3; i++) {
                channel[i / picture.width()][i % picture.width()] = rgb[3 * i + c] & 0xff;
            }
            float[] spread = Cubic.CATMULL_ROM.spread(channel, width, height);
            for (int i = 0; i < spread.length; i++) {
                enlarged[3 * i + c] = (byte) Math.round(Math.max(0, Math.min(255, spread[i])));
            }
        }
        return enlarged;
    }
}
