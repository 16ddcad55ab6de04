/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * The first frame of a GIF file, and where it lies on its canvas.
 *
 * <p>Reference: Pillow's {@code GifImageFile}. Bytes between blocks that begin none are skipped; an index is its own
 * gray where there is no colour table; the canvas is filled with the frame's transparent colour or else the first one,
 * where the JDK returns the frame alone.
 */
final class GifFile {

    private static final int SCREEN_BYTES = 13;
    private static final int DESCRIPTOR_BYTES = 10;
    private static final int GRAPHIC_CONTROL = 0xf9;
    private static final int TABLE_FOLLOWS = 0x80;
    private static final int INTERLACED = 0x40;
    private static final int COLORS = 256;

    private final ByteBuffer file;
    private final boolean truncated;
    private final byte[] palette;
    private final int transparent;
    private final int fillIndex;
    private final int left;
    private final int top;
    private final int frameWidth;
    private final int frameHeight;
    private final boolean interlaced;
    private final int data;

    private GifFile(ByteBuffer file, int descriptor, int transparent, boolean truncated) {
        this.file = file;
        this.truncated = truncated;
        this.transparent = transparent;
        fillIndex = Math.max(0, transparent);
        left = word(descriptor + 1);
        top = word(descriptor + 3);
        frameWidth = word(descriptor + 5);
        frameHeight = word(descriptor + 7);
        int flags = file.get(descriptor + 9);
        interlaced = (flags & INTERLACED) != 0;
        int table = descriptor + DESCRIPTOR_BYTES;
        data = table + tableBytes(flags);
        boolean own = (flags & TABLE_FOLLOWS) != 0;
        palette = own
                ? palette(file, table, tableBytes(flags))
                : palette(file, SCREEN_BYTES, tableBytes(file.get(SCREEN_BYTES - 3)));
    }

    /**
     * Reads the blocks up to the first frame.
     *
     * @param truncated whether pixels may be missing at the end
     * @throws PictureException when there is no frame
     */
    static GifFile parse(byte[] bytes, boolean truncated) throws PictureException {
        ByteBuffer gif = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int at = SCREEN_BYTES;
        if (at < gif.limit()) {
            at += tableBytes(gif.get(SCREEN_BYTES - 3));
        }
        int transparent = -1;
        while (at < gif.limit() && gif.get(at) != ';') {
            if (gif.get(at) == ',') {
                GifFile file =
                        at + DESCRIPTOR_BYTES > gif.limit() ? null : new GifFile(gif, at, transparent, truncated);
                if (file == null || file.data >= gif.limit()) {
                    break;
                }
                return file;
            }
            if (gif.get(at++) != '!') {
                continue;
            }
            boolean control = at + 5 < gif.limit() && (gif.get(at) & 0xff) == GRAPHIC_CONTROL && gif.get(at + 1) >= 4;
            if (control && (gif.get(at + 2) & 1) != 0) {
                transparent = gif.get(at + 5) & 0xff;
            }
            // Sub-blocks of an extension, up to the empty one.
            for (at++; at < gif.limit() && gif.get(at) != 0; at += 1 + (gif.get(at) & 0xff)) {}
            at++;
        }
        throw new PictureException("expected a GIF's first frame, got none in " + bytes.length
                + " bytes; the file is cut short or damaged");
    }

    private static int tableBytes(int flags) {
        return (flags & TABLE_FOLLOWS) == 0 ? 0 : 3 * (2 << (flags & 7));
    }

    /** 256 colours: grays where the table is missing or says nothing else, black behind a shorter table. */
    private static byte[] palette(ByteBuffer file, int start, int length) {
        byte[] grays = new byte[3 * COLORS];
        for (int i = 0; i < grays.length; i++) {
            grays[i] = (byte) (i / 3);
        }
        byte[] colors = new byte[3 * COLORS];
        file.get(start, colors, 0, Math.max(0, Math.min(length, file.limit() - start)));
        return Arrays.equals(colors, 0, length, grays, 0, length) ? grays : colors;
    }

    private int word(int at) {
        return file.getShort(at) & 0xffff;
    }

    int width() {
        return Math.max(word(6), left + frameWidth);
    }

    int height() {
        return Math.max(word(8), top + frameHeight);
    }

    /** What decoding takes of the heap: indices, the frame's pixels, the canvas, and a copy of the codes. */
    long heapBytes() {
        long frame = (long) frameWidth * frameHeight;
        long canvas = (long) width() * height();
        long codes = (truncated ? 4 * frame : 0) + file.limit() - data;
        return 4 * frame + (frame == canvas ? 0 : 3 * canvas) + codes;
    }

    /** Puts a ground in place of the transparent colour; to be called first. */
    void lay(Ground ground) {
        if (transparent >= 0) {
            ground.under(palette, 3 * transparent, 0);
        }
    }

    /**
     * A file of this frame alone, with its colours.
     *
     * @throws PictureException when pixels are missing
     */
    List<ByteBuffer> parts() throws PictureException {
        ByteBuffer start = ByteBuffer.allocate(SCREEN_BYTES + DESCRIPTOR_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        start.put(new byte[] {'G', 'I', 'F', '8', '9', 'a'});
        start.putShort((short) frameWidth).putShort((short) frameHeight).position(SCREEN_BYTES);
        start.put((byte) ',').putInt(0).putShort((short) frameWidth).putShort((short) frameHeight);
        start.put((byte) (TABLE_FOLLOWS | (interlaced ? INTERLACED : 0) | 7)).flip();
        ByteBuffer codes = GifCodes.take(file, data, (long) frameWidth * frameHeight, truncated ? fillIndex : -1);
        return List.of(start, ByteBuffer.wrap(palette), codes);
    }

    /** The canvas with the frame on it; the frame itself when it covers all. */
    Pixels place(Pixels frame) {
        if (frame.width() == width() && frame.height() == height()) {
            return frame;
        }
        int width = width();
        Pixels canvas = Pixels.allocate(width, height());
        for (int i = 0; i < canvas.rgb().length; i++) {
            canvas.rgb()[i] = palette[3 * fillIndex + i % 3];
        }
        canvas.place(frame, left, top);
        return canvas;
    }
}
