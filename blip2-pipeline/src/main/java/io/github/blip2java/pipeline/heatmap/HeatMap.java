/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.heatmap;

import io.github.blip2java.AttentionMap;
import io.github.blip2java.processor.Image;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import javax.imageio.ImageIO;

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
     * @param text such as the text that was explained; four lines at most are shown
     * @return the heat map with this caption
     */
    public HeatMap withCaption(String text) {
        return new HeatMap(picture, heat, text);
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
        float[] spread = HeatGrid.spread(heat, width, height);
        int[] pixels = new int[width * height];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = blend(rgb[3 * i] & 0xff, rgb[3 * i + 1] & 0xff, rgb[3 * i + 2] & 0xff, spread[i]);
        }
        return pixels;
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
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        try {
            ImageIO.write(drawn(), "png", file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return file.toByteArray();
    }

    private BufferedImage drawn() {
        double scale = Math.max(1, SMALLEST / (double) Math.max(picture.width(), picture.height()));
        int width = Math.max(1, (int) Math.round(scale * picture.width()));
        int height = Math.max(1, (int) Math.round(scale * picture.height()));
        int across = Math.max(width, SMALLEST);
        double letter = Math.max(across / 28.0, 18);
        double margin = letter * 0.8;
        List<String> lines =
                caption.isBlank() ? List.of() : Lettering.wrap(caption, letter, across - 2 * margin, CAPTION_LINES);
        double captionHeight = lines.size() * 1.35 * letter;
        int legend = (int) Math.ceil(captionHeight + 3.0 * letter);
        BufferedImage drawn = new BufferedImage(across, height + legend, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = drawn.createGraphics();
        try {
            graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            graphics.setColor(Color.WHITE);
            graphics.fillRect(0, 0, across, height + legend);
            graphics.setColor(new Color(0x22, 0x22, 0x22));
            for (int i = 0; i < lines.size(); i++) {
                Lettering.draw(graphics, lines.get(i), letter, margin, height + (1.45 + 1.35 * i) * letter);
            }
        } finally {
            graphics.dispose();
        }
        drawn.setRGB((across - width) / 2, 0, width, height, overlay(enlarged(width, height), width, height), 0, width);
        bar(drawn, letter, margin, height + captionHeight + letter);
        return drawn;
    }

    /** Colours from no heat to the most, as they are over grey, with words at both ends. */
    private static void bar(BufferedImage drawn, double letter, double margin, double top) {
        double size = 0.8 * letter;
        int from = (int) Math.round(margin + Lettering.width(LOW, size) + 0.5 * letter);
        int to = (int) Math.round(drawn.getWidth() - margin - Lettering.width(HIGH, size) - 0.5 * letter);
        int thick = (int) Math.round(0.8 * letter);
        for (int x = from; x < to; x++) {
            int colour = blend(200, 200, 200, (x - from) / (to - 1.0 - from));
            for (int y = (int) top; y < (int) top + thick; y++) {
                drawn.setRGB(x, y, colour);
            }
        }
        Graphics2D graphics = drawn.createGraphics();
        try {
            graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            graphics.setColor(new Color(0x22, 0x22, 0x22));
            double line = top + thick * 0.5 + size * 0.36;
            Lettering.draw(graphics, LOW, size, margin, line);
            Lettering.draw(graphics, HIGH, size, to + 0.5 * letter, line);
        } finally {
            graphics.dispose();
        }
    }

    private byte[] enlarged(int width, int height) {
        if (width == picture.width() && height == picture.height()) {
            return picture.rgb();
        }
        BufferedImage small = new BufferedImage(picture.width(), picture.height(), BufferedImage.TYPE_INT_RGB);
        byte[] rgb = picture.rgb();
        for (int i = 0; i < picture.width() * picture.height(); i++) {
            int pixel = (rgb[3 * i] & 0xff) << 16 | (rgb[3 * i + 1] & 0xff) << 8 | rgb[3 * i + 2] & 0xff;
            small.setRGB(i % picture.width(), i / picture.width(), pixel);
        }
        BufferedImage large = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = large.createGraphics();
        try {
            graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
            graphics.drawImage(small, 0, 0, width, height, null);
        } finally {
            graphics.dispose();
        }
        byte[] enlarged = new byte[3 * width * height];
        for (int i = 0; i < width * height; i++) {
            int pixel = large.getRGB(i % width, i / width);
            enlarged[3 * i] = (byte) (pixel >> 16);
            enlarged[3 * i + 1] = (byte) (pixel >> 8);
            enlarged[3 * i + 2] = (byte) pixel;
        }
        return enlarged;
    }
}
