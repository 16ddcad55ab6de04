/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.codec;

import java.awt.image.IndexColorModel;

/**
 * Where the first frame of a GIF lies on its canvas.
 *
 * <p>The JDK returns the frame alone; Pillow returns the canvas, filled with the frame's transparent colour or else
 * the palette's first one.
 */
record GifCanvas(int width, int height, int left, int top, int fillIndex) {

    private static final int GRAPHIC_CONTROL = 0xf9;

    /** Reads the canvas of a file whose first frame the JDK could read, so its structure holds up to there. */
    static GifCanvas of(byte[] gif) {
        int at = 13 + colorTableBytes(gif[10]);
        int fill = 0;
        while (gif[at] == '!') {
            if ((gif[at + 1] & 0xff) == GRAPHIC_CONTROL && (gif[at + 3] & 1) != 0) {
                fill = gif[at + 6] & 0xff;
            }
            for (at += 2; gif[at] != 0; at += 1 + (gif[at] & 0xff)) {
                // sub-blocks of an extension, up to the empty one
            }
            at++;
        }
        int left = word(gif, at + 1);
        int top = word(gif, at + 3);
        int right = left + word(gif, at + 5);
        int bottom = top + word(gif, at + 7);
        return new GifCanvas(Math.max(word(gif, 6), right), Math.max(word(gif, 8), bottom), left, top, fill);
    }

    private static int colorTableBytes(byte flags) {
        return (flags & 0x80) == 0 ? 0 : 3 * (2 << (flags & 7));
    }

    private static int word(byte[] gif, int at) {
        return gif[at] & 0xff | (gif[at + 1] & 0xff) << 8;
    }

    /** The canvas with the frame on it; the frame itself when it covers all. */
    Pixels place(Pixels frame, IndexColorModel palette) {
        if (frame.width() == width && frame.height() == height) {
            return frame;
        }
        Pixels canvas = Pixels.allocate(width, height);
        int color = fillIndex < palette.getMapSize() ? palette.getRGB(fillIndex) : 0;
        if ((color & 0xffffff) != 0) {
            for (int i = 0; i < canvas.rgb().length; i += 3) {
                canvas.rgb()[i] = (byte) (color >> 16);
                canvas.rgb()[i + 1] = (byte) (color >> 8);
                canvas.rgb()[i + 2] = (byte) color;
            }
        }
        for (int y = 0; y < frame.height(); y++) {
            int target = 3 * ((top + y) * width + left);
            System.arraycopy(frame.rgb(), 3 * y * frame.width(), canvas.rgb(), target, 3 * frame.width());
        }
        return canvas;
    }
}
