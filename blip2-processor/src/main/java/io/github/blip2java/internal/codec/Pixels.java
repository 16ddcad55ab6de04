/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

/**
 * Decoded pixels: eight bits a channel, red, green, blue, row by row from the top.
 *
 * @param width pixels in a row, at least 1
 * @param height rows, at least 1
 * @param rgb {@code height * width * 3} bytes; shared, not copied
 */
public record Pixels(int width, int height, byte[] rgb) {

    /** Room for a picture of this size; the caller has checked the size against the pixel limit. */
    static Pixels allocate(int width, int height) {
        return new Pixels(width, height, new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))]);
    }

    /** Copies a smaller picture into this one, its first pixel to column {@code left} of row {@code top}. */
    void place(Pixels part, int left, int top) {
        for (int y = 0; y < part.height(); y++) {
            int target = 3 * ((top + y) * width + left);
            System.arraycopy(part.rgb(), 3 * y * part.width(), rgb, target, 3 * part.width());
        }
    }
}
