/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The chunks of a WebP file: a still picture as it is, or the first frame of an animation.
 *
 * <p>Source: the WebP container specification. Reference: libwebp's {@code WebPAnimDecoder}, which Pillow uses, puts
 * the first frame as it is on a canvas of zeros.
 */
final class WebpFile {

    private static final int RIFF_BYTES = 12;
    private static final int ANIMATED = 0x02;
    private static final int ALPHA = 0x10;
    private static final int EXTENDED_BYTES = 10;
    private static final int FRAME_BYTES = 16;
    /** Up to and with the sizes. */
    private static final int LOSSY_BYTES = 10;

    /** First byte of a lossless picture. */
    private static final int LOSSLESS = 0x2f;

    private final ByteBuffer file;
    private ByteBuffer extended;
    private ByteBuffer picture;
    private ByteBuffer frame;
    private ByteBuffer exif;
    private ByteBuffer xmp;

    private WebpFile(byte[] file) {
        this.file = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Reads the chunks, as far as they are whole. */
    static WebpFile parse(byte[] bytes) {
        WebpFile webp = new WebpFile(bytes);
        long at = RIFF_BYTES;
        while (at + 8 <= webp.file.limit()) {
            long size = webp.file.getInt((int) at + 4) & 0xffffffffL;
            if (at + 8 + size > webp.file.limit()) {
                break;
            }
            webp.readChunk(
                    name(webp.file, (int) at),
                    webp.file.slice((int) at + 8, (int) size).order(ByteOrder.LITTLE_ENDIAN));
            at += 8 + size + (size & 1); // padding to an even size
        }
        return webp;
    }

    private static String name(ByteBuffer chunks, int at) {
        return StandardCharsets.ISO_8859_1.decode(chunks.slice(at, 4)).toString();
    }

    private void readChunk(String name, ByteBuffer chunk) {
        if (name.equals("VP8X") && extended == null && chunk.limit() >= EXTENDED_BYTES) {
            extended = chunk;
        } else if (name.equals("ANMF") && frame == null && chunk.limit() > FRAME_BYTES) {
            frame = chunk;
        } else if ((name.equals("VP8 ") || name.equals("VP8L")) && picture == null && chunk.limit() >= LOSSY_BYTES) {
            picture = chunk;
        } else if (name.equals("EXIF") && exif == null) {
            exif = chunk;
        } else if (name.equals("XMP ") && xmp == null) {
            xmp = chunk;
        }
    }

    boolean animated() {
        return extended != null && (extended.get(0) & ANIMATED) != 0 && frame != null;
    }

    /** A number of 24 bits. */
    private static int number(ByteBuffer chunk, int at) {
        return chunk.getShort(at) & 0xffff | (chunk.get(at + 2) & 0xff) << 16;
    }

    /** Pixels in a row; 1 where the file does not tell, which libwebp refuses. */
    int width() {
        return extended != null ? number(extended, 4) + 1 : picture == null ? 1 : size(0);
    }

    /** Rows; 1 where the file does not tell. */
    int height() {
        return extended != null ? number(extended, 7) + 1 : picture == null ? 1 : size(1);
    }

    /** A size of a file without canvas, where a simple lossy or lossless picture states it. */
    private int size(int index) {
        if (picture.get(0) == LOSSLESS) {
            return (picture.getInt(1) >> 14 * index & 0x3fff) + 1;
        }
        return Math.max(1, picture.getShort(6 + 2 * index) & 0x3fff);
    }

    /** What decoding takes of the heap: libwebp's integers, RGB, a canvas of an animation, and a copy of the file. */
    long heapBytes() {
        return (animated() ? 10L : 7L) * width() * height() + file.limit();
    }

    /** The file, or a file of an animation's first frame. */
    List<ByteBuffer> parts() {
        if (!animated()) {
            return List.of(file);
        }
        List<ByteBuffer> parts = new ArrayList<>();
        ByteBuffer picture = frame.slice(FRAME_BYTES, frame.limit() - FRAME_BYTES);
        boolean alpha = picture.limit() >= 4 && name(picture, 0).equals("ALPH");
        ByteBuffer start = ByteBuffer.allocate(RIFF_BYTES + (alpha ? 8 + EXTENDED_BYTES : 0))
                .order(ByteOrder.LITTLE_ENDIAN);
        start.put("RIFF".getBytes(StandardCharsets.ISO_8859_1));
        start.putInt(start.capacity() - 8 + picture.limit());
        start.put("WEBP".getBytes(StandardCharsets.ISO_8859_1));
        if (alpha) {
            start.put("VP8X".getBytes(StandardCharsets.ISO_8859_1)).putInt(EXTENDED_BYTES);
            start.putInt(ALPHA).put(bytes(frame, 6)); // width and height of the frame
        }
        parts.add(start.flip());
        parts.add(picture);
        return parts;
    }

    private static byte[] bytes(ByteBuffer chunk, int at) {
        byte[] six = new byte[6];
        chunk.get(at, six);
        return six;
    }

    /** The canvas with the first frame on it, or a still picture as it is; a canvas is transparent, black without a ground. */
    Pixels place(Pixels picture, Ground ground) throws PictureException {
        if (!animated()) {
            return picture;
        }
        int left = 2 * number(frame, 0);
        int top = 2 * number(frame, 3);
        if (left + picture.width() > width() || top + picture.height() > height()) {
            throw new PictureException("expected a first frame inside of " + width() + "x" + height() + ", got "
                    + picture.width() + "x" + picture.height() + " at " + left + "," + top
                    + "; the file is damaged");
        }
        if (picture.width() == width() && picture.height() == height()) {
            return picture;
        }
        Pixels canvas = Pixels.allocate(width(), height());
        if (ground != null) {
            ground.fill(canvas.rgb());
        }
        canvas.place(picture, left, top);
        return canvas;
    }

    int orientation() {
        return Orientation.of(exif, xmp);
    }
}
