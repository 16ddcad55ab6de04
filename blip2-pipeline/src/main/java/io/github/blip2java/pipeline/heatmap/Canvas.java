/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.heatmap;

import java.awt.Shape;
import java.awt.geom.PathIterator;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;

/** White pixels to draw on, without a display or anything of {@code Graphics2D}, which looks for one. */
final class Canvas {
    private static final int WHITE = 0xffffff;

    /** Lines of samples a pixel is crossed by; along a line coverage is exact. */
    private static final int LINES = 4;

    private final int width;
    private final int height;
    private final int[] pixels;

    Canvas(int width, int height) {
        this.width = width;
        this.height = height;
        this.pixels = new int[Math.multiplyExact(width, height)];
        Arrays.fill(pixels, WHITE);
    }

    int width() {
        return width;
    }

    void set(int x, int y, int colour) {
        pixels[y * width + x] = colour;
    }

    /** Puts a picture somewhere inside. */
    void put(int[] picture, int across, int left, int top) {
        for (int row = 0; row < picture.length / across; row++) {
            System.arraycopy(picture, row * across, pixels, (top + row) * width + left, across);
        }
    }

    /** A straight piece of an outline, from top to bottom, and whether it went up. */
    private record Edge(double x, double top, double slope, double bottom, int winding) {}

    /** Where an outline crosses a line of samples. */
    private record Crossing(double x, int winding) {}

    /** Fills the inside of an outline (by the non-zero rule), with smooth edges. */
    void fill(Shape outline, int colour) {
        List<Edge> edges = edges(outline);
        double top = edges.stream().mapToDouble(Edge::top).min().orElse(0);
        double bottom = edges.stream().mapToDouble(Edge::bottom).max().orElse(0);
        float[] covered = new float[width];
        for (int y = Math.max(0, (int) top); y < Math.min(height, Math.ceil(bottom)); y++) {
            Arrays.fill(covered, 0);
            for (int line = 0; line < LINES; line++) {
                cover(crossings(edges, y + (line + 0.5) / LINES), covered);
            }
            for (int x = 0; x < width; x++) {
                if (covered[x] > 0) {
                    pixels[y * width + x] = mix(pixels[y * width + x], colour, Math.min(1, covered[x]));
                }
            }
        }
    }

    private static List<Edge> edges(Shape outline) {
        List<Edge> edges = new ArrayList<>();
        double[] to = new double[6];
        double[] start = new double[2];
        double[] at = new double[2];
        for (PathIterator path = outline.getPathIterator(null, 0.05); !path.isDone(); path.next()) {
            int kind = path.currentSegment(to);
            if (kind != PathIterator.SEG_LINETO) {
                add(edges, at[0], at[1], start[0], start[1]); // an outline is closed, whether it says so or not
                if (kind == PathIterator.SEG_MOVETO) {
                    System.arraycopy(to, 0, start, 0, 2);
                }
                System.arraycopy(start, 0, at, 0, 2);
            } else {
                add(edges, at[0], at[1], to[0], to[1]);
                System.arraycopy(to, 0, at, 0, 2);
            }
        }
        add(edges, at[0], at[1], start[0], start[1]);
        return edges;
    }

    private static void add(List<Edge> edges, double x1, double y1, double x2, double y2) {
        if (y1 < y2) {
            edges.add(new Edge(x1, y1, (x2 - x1) / (y2 - y1), y2, 1));
        } else if (y1 > y2) {
            edges.add(new Edge(x2, y2, (x1 - x2) / (y1 - y2), y1, -1));
        }
    }

    private static List<Crossing> crossings(List<Edge> edges, double y) {
        return edges.stream()
                .filter(edge -> edge.top <= y && y < edge.bottom)
                .map(edge -> new Crossing(edge.x + (y - edge.top) * edge.slope, edge.winding))
                .sorted((a, b) -> Double.compare(a.x, b.x))
                .toList();
    }

    private void cover(List<Crossing> crossings, float[] covered) {
        int winding = 0;
        for (int i = 0; i + 1 < crossings.size(); i++) {
            winding += crossings.get(i).winding;
            if (winding != 0) {
                double from = Math.max(0, crossings.get(i).x);
                double to = Math.min(width, crossings.get(i + 1).x);
                for (int x = (int) from; x < to; x++) {
                    covered[x] += (float) (Math.min(to, x + 1) - Math.max(from, x)) / LINES;
                }
            }
        }
    }

    private static int mix(int under, int over, double share) {
        int mixed = 0;
        for (int shift = 16; shift >= 0; shift -= 8) {
            double channel = (1 - share) * (under >> shift & 0xff) + share * (over >> shift & 0xff);
            mixed |= (int) Math.round(channel) << shift;
        }
        return mixed;
    }

    byte[] png() {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, width, height, pixels, 0, width);
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        try {
            ImageIO.write(image, "png", file);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory has no errors
        }
        return file.toByteArray();
    }
}
