/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import java.util.Arrays;

/**
 * Bicubic resizing with the very bytes of Pillow's {@code Image.resize(size, Image.Resampling.BICUBIC)}.
 *
 * <p>Every output pixel is a weighted sum over a window of the source, horizontally first, then vertically:
 *
 * <pre>
 *   scale  = in / out;  stretch = max(scale, 1);  support = 2 * stretch;  centre(i) = (i + 0.5) * scale
 *   window = [ int(centre - support + 0.5), int(centre + support + 0.5) ), cut to the source
 *   weight(j) = cubic((j - centre + 0.5) / stretch), divided by the window's sum,  a = -0.5
 * </pre>
 *
 * Precision: weights are rounded to 22 fractional bits, sums are rounded and cut to 0..255 after each pass, so the
 * picture between the passes is one of eight bits. A pass that keeps its size is left out.
 *
 * <p>When shrinking, the window grows with the scale, so all source pixels count (antialiasing); the bicubic filter of
 * {@code java.awt} does not do that.
 */
public final class BicubicResampler {

    private static final int FRACTION_BITS = 22;
    private static final int HALF = 1 << FRACTION_BITS - 1;
    private static final double A = -0.5;

    private BicubicResampler() {}

    /**
     * Resizes a picture to exactly this size; the aspect ratio is not kept.
     *
     * @param image the picture
     * @param width the new width, at least 1
     * @param height the new height, at least 1
     * @return the resized picture; the same object when the size is unchanged
     * @throws IllegalArgumentException when a size is below 1, or the picture would not fit an array
     */
    public static Image resize(Image image, int width, int height) {
        if (width < 1 || height < 1) {
            throw new IllegalArgumentException(
                    "size: expected width and height of at least 1, got " + width + "x" + height);
        }
        if (3L * width * Math.max(height, image.height()) > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("size: expected less than 2 GiB of pixels, got " + width + "x"
                    + Math.max(height, image.height()) + "; scale the picture down first");
        }
        Image wide = width == image.width() ? image : horizontally(image, width);
        return height == image.height() ? wide : vertically(wide, height);
    }

    private static Image horizontally(Image image, int width) {
        Window[] windows = windows(image.width(), width);
        byte[] source = image.sharedRgb();
        byte[] target = new byte[3 * width * image.height()];
        int out = 0;
        for (int y = 0; y < image.height(); y++) {
            int row = 3 * y * image.width();
            for (Window window : windows) {
                int red = HALF;
                int green = HALF;
                int blue = HALF;
                int at = row + 3 * window.first;
                for (int weight : window.weights) {
                    red += weight * (source[at] & 0xff);
                    green += weight * (source[at + 1] & 0xff);
                    blue += weight * (source[at + 2] & 0xff);
                    at += 3;
                }
                target[out++] = clip(red);
                target[out++] = clip(green);
                target[out++] = clip(blue);
            }
        }
        return Image.wrap(width, image.height(), target);
    }

    private static Image vertically(Image image, int height) {
        int stride = 3 * image.width();
        byte[] source = image.sharedRgb();
        byte[] target = new byte[stride * height];
        int[] sums = new int[stride];
        int out = 0;
        for (Window window : windows(image.height(), height)) {
            Arrays.fill(sums, HALF);
            int at = window.first * stride;
            for (int weight : window.weights) {
                for (int i = 0; i < stride; i++) {
                    sums[i] += weight * (source[at + i] & 0xff);
                }
                at += stride;
            }
            for (int sum : sums) {
                target[out++] = clip(sum);
            }
        }
        return Image.wrap(image.width(), height, target);
    }

    private static byte clip(int sum) {
        return (byte) Math.max(0, Math.min(255, sum >> FRACTION_BITS));
    }

    /** The source pixels that make one output pixel: the index of the first, and a fixed-point weight for each. */
    private record Window(int first, int[] weights) {}

    private static Window[] windows(int in, int out) {
        double scale = (double) in / out;
        double stretch = Math.max(scale, 1.0);
        double support = 2.0 * stretch;
        double shrink = 1.0 / stretch; // Precision: multiplied by, as Pillow does, not divided by stretch
        Window[] windows = new Window[out];
        for (int i = 0; i < out; i++) {
            double centre = (i + 0.5) * scale;
            int first = Math.max((int) (centre - support + 0.5), 0);
            int end = Math.min((int) (centre + support + 0.5), in);
            double[] weights = new double[end - first];
            double sum = 0;
            for (int j = 0; j < weights.length; j++) {
                weights[j] = cubic((j + first - centre + 0.5) * shrink);
                sum += weights[j];
            }
            int[] fixed = new int[weights.length];
            for (int j = 0; j < weights.length; j++) {
                double weight = sum == 0 ? weights[j] : weights[j] / sum;
                // Half away from zero: the cast cuts towards zero.
                fixed[j] = (int) (Math.copySign(0.5, weight) + weight * (1 << FRACTION_BITS));
            }
            windows[i] = new Window(first, fixed);
        }
        return windows;
    }

    private static double cubic(double distance) {
        double x = Math.abs(distance);
        if (x < 1) {
            return ((A + 2) * x - (A + 3)) * x * x + 1;
        }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * A : 0;
    }
}
