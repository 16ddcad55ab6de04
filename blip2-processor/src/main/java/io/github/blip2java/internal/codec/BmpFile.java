/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The header of a Windows bitmap, of all ages, and the header that it should have had.
 *
 * <p>Reference: Pillow's {@code BmpImageFile}. Stated sizes of the file and of the pixel data are ignored, a missing
 * place of the pixel data is where the palette ends, a number of colours of 0 means as many as indices can name.
 */
final class BmpFile {

    private static final int FILE_HEADER_BYTES = 14;
    private static final int INFO_BYTES = 40;
    private static final int CORE_BYTES = 12;
    private static final List<Integer> HEADER_BYTES = List.of(CORE_BYTES, INFO_BYTES, 52, 56, 64, 108, 124);
    /** From here on headers have a mask of alpha. */
    private static final int ALPHA_HEADER_BYTES = 56;

    private static final int TOP_BYTE = 0xff000000;
    private static final int OPAQUE = 255;
    private static final int RAW = 0;
    private static final int RLE4 = 2;
    private static final int BIT_FIELDS = 3;

    private final ByteBuffer file;
    private final boolean truncated;
    private final int width;
    private final int height;
    private final int bits;
    private int compression;
    private final boolean icon;
    private final int alphaMask;
    private final int headerEnd;
    private final int paletteEntryBytes;
    private final int colors;
    private int[] masks = {0xff0000, 0xff00, 0xff};
    private long data;

    /**
     * Reads a header.
     *
     * @param bytes the file
     * @param header where the header stands
     * @param data where the header before that says that the pixel data stand, 0 when there is none
     * @param rowsTwice whether the stated height counts a mask, too, as in icons
     * @param truncated whether rows may be missing at the end
     */
    private BmpFile(byte[] bytes, int header, long data, boolean rowsTwice, boolean truncated) throws PictureException {
        this.truncated = truncated;
        file = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int size = header + 4 > bytes.length ? 0 : file.getInt(header);
        if (!HEADER_BYTES.contains(size) || header + size > bytes.length) {
            throw new PictureException("expected a bitmap header of " + HEADER_BYTES + " bytes, got " + size
                    + "; the file is damaged, or save it again as PNG");
        }
        boolean core = size == CORE_BYTES;
        width = core ? word(header + 4) : file.getInt(header + 4);
        int rows = core ? word(header + 6) : file.getInt(header + 8);
        height = rowsTwice ? rows / 2 : rows;
        bits = word(header + (core ? 10 : 14));
        compression = core ? RAW : file.getInt(header + 16);
        paletteEntryBytes = core ? 3 : 4;
        int stated = core ? 0 : file.getInt(header + 32);
        colors = stated == 0 ? 1 << Math.min(bits, 16) : stated;
        icon = rowsTwice;
        alphaMask = compression == BIT_FIELDS && bits == 32 && size >= ALPHA_HEADER_BYTES
                ? file.getInt(header + INFO_BYTES + CORE_BYTES)
                : 0;
        headerEnd = header + size;
        this.data = data;
        check();
        if (compression == BIT_FIELDS) {
            readMasks(header + INFO_BYTES); // within longer headers, behind the one of 40 bytes
        }
        if (bits <= 8 && this.data == headerEnd) {
            this.data += (long) paletteEntryBytes * colors;
        }
        if (this.data == 0) {
            this.data = headerEnd
                    + (bits <= 8 ? (long) paletteEntryBytes * colors : 0)
                    + (compression == BIT_FIELDS && size == INFO_BYTES ? CORE_BYTES : 0);
        }
        if (compression == BIT_FIELDS && bits == 24) {
            compression = RAW;
        }
    }

    /** A whole bitmap file. */
    static BmpFile parse(byte[] file, boolean truncated) throws PictureException {
        long data = file.length < FILE_HEADER_BYTES
                ? 0
                : ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt(10) & 0xffffffffL;
        return new BmpFile(file, FILE_HEADER_BYTES, data, false, truncated);
    }

    /** A bitmap of an icon: without a file header, and with a mask behind its rows. */
    static BmpFile ofIcon(byte[] file) throws PictureException {
        return new BmpFile(file, 0, 0, true, false);
    }

    private void check() throws PictureException {
        boolean known = List.of(1, 4, 8, 16, 24, 32).contains(bits)
                && (compression == RAW
                        || (compression == 1 && bits == 8)
                        || (compression == RLE4 && bits == 4)
                        || (compression == BIT_FIELDS && bits >= 16));
        if (!known) {
            throw new PictureException("BMP with " + bits + " bits a pixel and compression " + compression
                    + " is not supported; save it again as PNG");
        }
        if (bits <= 8 && (colors < 1 || colors > 65536)) {
            throw new PictureException("expected 1 to 65536 colours in a BMP's palette, got " + (colors & 0xffffffffL)
                    + "; the file is damaged");
        }
    }

    private void readMasks(int at) {
        int[] stated = new int[3];
        for (int i = 0; i < 3 && at + 4 * i + 4 <= file.limit(); i++) {
            stated[i] = file.getInt(at + 4 * i);
        }
        if ((stated[0] | stated[1] | stated[2]) != 0) {
            masks = stated;
        }
    }

    private int word(int at) {
        return file.getShort(at) & 0xffff;
    }

    int width() {
        return width;
    }

    int height() {
        return Math.abs(height);
    }

    /** Whether pixels have an alpha of their own: by a mask in a long header, by the fourth byte or the mask of an icon. */
    boolean alpha() {
        return icon || alphaMask != 0;
    }

    /** The alpha of a pixel, 0 to 255; opaque where the file does not tell. */
    int alpha(int x, int y) {
        int row = height < 0 ? y : height() - 1 - y;
        long stride = ((long) width * bits + 31) / 32 * 4;
        if (bits == 32) {
            long at = data + row * stride + 4L * x + Integer.numberOfTrailingZeros(icon ? TOP_BYTE : alphaMask) / 8;
            return at < file.limit() ? file.get((int) at) & 0xff : OPAQUE;
        }
        // Behind the pixels one bit for each, set where what is below shines through.
        long at = data + height() * stride + row * ((width + 31) / 32 * 4L) + x / 8;
        return at < file.limit() && (file.get((int) at) >> 7 - x % 8 & 1) == 1 ? 0 : OPAQUE;
    }

    /** What decoding takes of the heap: the samples, of which three bytes become RGB in place. */
    long heapBytes() {
        long pixels = (long) width * height();
        long samples = (bits + 7L) / 8 * pixels;
        return (bits == 24 ? 3 * pixels : samples + 3 * pixels) + (truncated ? samples : 0);
    }

    /**
     * A file with the same pixels.
     *
     * @throws PictureException when rows are missing
     */
    List<ByteBuffer> parts() throws PictureException {
        long available = Math.max(0, file.limit() - data);
        long rowBytes = ((long) width * bits + 7) / 8;
        long stride = (rowBytes + 3) / 4 * 4;
        long size = available;
        long padding = 0;
        if (compression == RAW || compression == BIT_FIELDS) {
            size = Math.min(stride * height(), available);
            padding = stride * height() - size;
            if (padding > stride - rowBytes && truncated && available > 0) {
                size -= size % stride; // rows that are there whole, as Pillow has it
                padding = stride * height() - size;
            } else if (padding > stride - rowBytes) {
                throw new PictureException("cannot be decoded as BMP (expected " + stride * height()
                        + " bytes of pixels, got " + available + "); the file is cut short, get a complete copy");
            }
        }
        byte[] palette = bits <= 8 ? palette() : new byte[0];
        int start = FILE_HEADER_BYTES + INFO_BYTES + (compression == BIT_FIELDS ? CORE_BYTES : 0) + palette.length;
        ByteBuffer header = ByteBuffer.allocate(start).order(ByteOrder.LITTLE_ENDIAN);
        header.put((byte) 'B').put((byte) 'M').putInt((int) (start + size + padding));
        header.putInt(0).putInt(start);
        header.putInt(INFO_BYTES).putInt(width).putInt(height);
        header.putShort((short) 1).putShort((short) bits).putInt(compression).putInt((int) (size + padding));
        header.putInt(0).putInt(0).putInt(palette.length / 4).putInt(0);
        if (compression == BIT_FIELDS) {
            for (int mask : masks) {
                header.putInt(mask);
            }
        }
        header.put(palette);
        List<ByteBuffer> parts = new ArrayList<>();
        parts.add(header.flip());
        parts.add(file.slice((int) Math.min(data, file.limit()), (int) size));
        parts.add(ByteBuffer.allocate((int) padding)); // the last row need not be padded
        return parts;
    }

    /** Blue, green, red and a zero for every index: what the file does not tell is black, or gray behind grays. */
    private byte[] palette() {
        byte[] palette = new byte[4 << bits];
        int known = Math.min(colors, 1 << bits);
        boolean gray = true;
        for (int i = 0; i < known; i++) {
            for (int band = 0; band < 3; band++) {
                int at = headerEnd + i * paletteEntryBytes + band;
                palette[4 * i + band] = at < file.limit() ? file.get(at) : 0;
                gray &= palette[4 * i + band] == (byte) i;
            }
        }
        for (int i = 4 * known; gray && bits == 8 && i < palette.length; i++) {
            palette[i] = (byte) (i % 4 == 3 ? 0 : i / 4);
        }
        return palette;
    }
}
