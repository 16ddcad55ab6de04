/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.heatmap;

import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Path2D;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Letters drawn from outlines of our own: many servers have no fonts, and there {@code java.awt.Font} fails. Latin, Greek and Cyrillic; a
 * character without outline is a box.
 */
final class Lettering {
    private static final double UNITS = 1000;
    private static final String FILE = "glyphs.txt";

    /** An outline for a size of 1, and how far the next letter stands from it. */
    private record Glyph(double advance, Shape outline) {}

    private static final class Loaded {
        private static final Map<Integer, Glyph> GLYPHS = read();
        private static final Glyph BOX =
                new Glyph(0.6, outline("M80,0L80,-700L520,-700L520,0L80,0M130,-50L470,-50L470,-650L130,-650L130,-50"));
    }

    private Lettering() {}

    private static Map<Integer, Glyph> read() {
        Map<Integer, Glyph> glyphs = new HashMap<>();
        try (InputStream file = Lettering.class.getResourceAsStream(FILE);
                BufferedReader lines = new BufferedReader(new InputStreamReader(file, StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] parts = line.split(" ", 3);
                glyphs.put(
                        Integer.parseInt(parts[0], 16),
                        new Glyph(Integer.parseInt(parts[1]) / UNITS, outline(parts.length < 3 ? "" : parts[2])));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return glyphs;
    }

    /** M, L and Q as in SVG paths. */
    private static Shape outline(String path) {
        Path2D shape = new Path2D.Double(Path2D.WIND_NON_ZERO);
        for (String step : path.split("(?=[MLQ])")) {
            if (step.isEmpty()) {
                continue;
            }
            String[] numbers = step.substring(1).split(",");
            double[] at = new double[numbers.length];
            for (int i = 0; i < at.length; i++) {
                at[i] = Integer.parseInt(numbers[i]) / UNITS;
            }
            switch (step.charAt(0)) {
                case 'M' -> shape.moveTo(at[0], at[1]);
                case 'L' -> shape.lineTo(at[0], at[1]);
                default -> shape.quadTo(at[0], at[1], at[2], at[3]);
            }
        }
        return shape;
    }

    private static Glyph glyph(int character) {
        return Loaded.GLYPHS.getOrDefault(character, Loaded.BOX);
    }

    /** How wide a line of text is, in pixels. */
    static double width(String text, double size) {
        return size * text.codePoints().mapToDouble(c -> glyph(c).advance()).sum();
    }

    /** Draws a line of text from a point on its base line. */
    static void draw(Canvas canvas, String text, double size, double x, double y, int colour) {
        double at = x;
        for (int character : text.codePoints().toArray()) {
            Glyph glyph = glyph(character);
            AffineTransform place = AffineTransform.getTranslateInstance(at, y);
            place.scale(size, size);
            canvas.fill(place.createTransformedShape(glyph.outline()), colour);
            at += size * glyph.advance();
        }
    }

    /** Breaks a text into lines between words, and words that are wider than a line; what does not fit ends with three dots. */
    static List<String> wrap(String text, double size, double width, int most) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : text.strip().split("\\s+")) {
            String longer = line.isEmpty() ? word : line + " " + word;
            if (width(longer, size) > width && !line.isEmpty()) {
                lines.add(line.toString());
                longer = word;
            }
            while (width(longer, size) > width) {
                int fits = fitting(longer, size, width);
                lines.add(longer.substring(0, fits));
                longer = longer.substring(fits);
            }
            line.setLength(0);
            line.append(longer);
        }
        lines.add(line.toString());
        if (lines.size() <= most) {
            return lines;
        }
        String last = lines.get(most - 1) + "…";
        while (width(last, size) > width && last.length() > 1) {
            last = last.substring(0, last.offsetByCodePoints(last.length() - 1, -1)) + "…";
        }
        List<String> kept = new ArrayList<>(lines.subList(0, most));
        kept.set(most - 1, last);
        return kept;
    }

    /** Characters, at least one, that fit into a line. */
    private static int fitting(String text, double size, double width) {
        int fits = text.offsetByCodePoints(0, 1);
        while (fits < text.length() && width(text.substring(0, text.offsetByCodePoints(fits, 1)), size) <= width) {
            fits = text.offsetByCodePoints(fits, 1);
        }
        return fits;
    }
}
