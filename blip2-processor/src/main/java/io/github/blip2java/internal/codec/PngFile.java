/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The chunks of a PNG file: those that pixels are made of, and the orientation from the others.
 *
 * <p>Where chunks are out of order, of another length than they should be, or missing at the end, what counts is what
 * Pillow's {@code PngImagePlugin} makes of them.
 */
final class PngFile {

    private static final int SIGNATURE_BYTES = 8;
    private static final int HEADER_BYTES = 13;
    private static final int COLOR_TYPE = 9;
    private static final int PALETTE = 3;
    private static final int GRAY = 0;
    private static final int RGB = 2;
    private static final int GRAY_ALPHA = 4;
    private static final int RGB_ALPHA = 6;
    private static final int PALETTE_BYTES = 3 * 256;

    /** Reference: Pillow reads no more of a compressed text. */
    private static final int LARGEST_TEXT = 1 << 20;

    private static final String XMP_KEY = "XML:com.adobe.xmp";

    private final ByteBuffer file;
    private final boolean truncated;
    private byte[] header;
    private byte[] palette;
    private final List<ByteBuffer> data = new ArrayList<>();
    private ByteBuffer transparency;
    private ByteBuffer exif;
    private ByteBuffer rawProfile;
    private ByteBuffer xmp;
    private ByteBuffer otherXmp;

    private PngFile(byte[] file, boolean truncated) {
        this.file = ByteBuffer.wrap(file);
        this.truncated = truncated;
    }

    /**
     * Reads the chunks.
     *
     * @param truncated whether pixels may be missing at the end
     * @throws PictureException when there is no header or no pixel data
     */
    static PngFile parse(byte[] bytes, boolean truncated) throws PictureException {
        PngFile png = new PngFile(bytes, truncated);
        png.readChunks();
        if (png.header == null || png.data.isEmpty()) {
            throw new PictureException("expected a PNG's header and pixel data, got no "
                    + (png.header == null ? "header" : "pixel data") + " in " + bytes.length
                    + " bytes; the file is cut short or damaged");
        }
        if (png.header[COLOR_TYPE] == PALETTE && png.palette == null) {
            throw new PictureException("expected a PNG's palette, got none in " + bytes.length
                    + " bytes; the file is damaged, get another copy");
        }
        return png;
    }

    private void readChunks() {
        boolean dataEnded = false;
        long at = SIGNATURE_BYTES;
        while (at + 8 <= file.limit()) {
            long length = file.getInt((int) at) & 0xffffffffL;
            byte[] id = new byte[4];
            file.get((int) at + 4, id);
            String name = new String(id, StandardCharsets.ISO_8859_1);
            boolean pixels = name.equals("IDAT");
            long end = at + 8 + length;
            if (end > file.limit() && !pixels) {
                return; // a chunk that is not all there
            }
            ByteBuffer chunk = file.slice((int) at + 8, (int) (Math.min(end, file.limit()) - at - 8));
            if (pixels) {
                if (!dataEnded) {
                    data.add(chunk); // pixel data stand together, a second run is none
                }
            } else {
                dataEnded |= !data.isEmpty();
                readChunk(name, chunk, dataEnded);
            }
            if (name.equals("IEND") && dataEnded) {
                return;
            }
            at = end + 4; // behind the checksum
        }
    }

    private void readChunk(String name, ByteBuffer chunk, boolean afterData) {
        switch (name) {
            case "IHDR" -> {
                if (chunk.limit() >= HEADER_BYTES && !afterData) {
                    header = bytes(chunk.slice(0, HEADER_BYTES));
                }
            }
            case "PLTE" -> {
                if (!afterData || palette == null) {
                    palette = bytes(chunk);
                }
            }
            case "tRNS" -> {
                if (!afterData && chunk.limit() > 0) {
                    transparency = chunk;
                }
            }
            case "eXIf" -> exif = chunk;
            case "tEXt" -> readText(chunk, false);
            case "zTXt" -> readText(chunk, true);
            case "iTXt" -> readInternationalText(chunk);
            default -> {
                // No pixel depends on it.
            }
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.limit()];
        buffer.get(0, bytes);
        return bytes;
    }

    private void readText(ByteBuffer chunk, boolean compressed) {
        int end = endOfText(chunk, 0);
        String key = text(chunk, 0, end);
        ByteBuffer value = rest(chunk, end + 1);
        if (key.equals("exif") && !compressed) {
            exif = value;
        } else if (key.equals(XMP_KEY)) {
            xmp = compressed ? inflate(rest(value, 1)) : value;
        } else if (key.equals("xmp")) {
            otherXmp = compressed ? null : value;
        } else if (key.equals("Raw profile type exif")) {
            rawProfile = compressed ? inflate(rest(value, 1)) : value;
        }
    }

    /** Key, 0, whether it is compressed, compression method, language, 0, translated key, 0, text. */
    private void readInternationalText(ByteBuffer chunk) {
        int end = endOfText(chunk, 0);
        String key = text(chunk, 0, end);
        if (chunk.limit() < end + 3) {
            return;
        }
        boolean compressed = chunk.get(end + 1) != 0;
        int language = endOfText(chunk, end + 3);
        int translated = endOfText(chunk, language + 1);
        if (translated >= chunk.limit() || (compressed && chunk.get(end + 2) != 0)) {
            return;
        }
        ByteBuffer value = rest(chunk, translated + 1);
        if (key.equals(XMP_KEY)) {
            xmp = compressed ? inflate(value) : value;
        } else if (key.equals("Raw profile type exif")) {
            rawProfile = compressed ? inflate(value) : value;
        }
    }

    /** Where the next zero is, or the end. */
    private static int endOfText(ByteBuffer chunk, int start) {
        int at = Math.min(start, chunk.limit());
        while (at < chunk.limit() && chunk.get(at) != 0) {
            at++;
        }
        return at;
    }

    private static String text(ByteBuffer chunk, int start, int end) {
        return StandardCharsets.ISO_8859_1
                .decode(chunk.slice(start, end - start))
                .toString();
    }

    private static ByteBuffer rest(ByteBuffer chunk, int start) {
        int from = Math.min(start, chunk.limit());
        return chunk.slice(from, chunk.limit() - from);
    }

    /** An inflated text; an empty one when it is damaged or too long. */
    private static ByteBuffer inflate(ByteBuffer compressed) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(compressed);
            byte[] some = new byte[8192];
            while (!inflater.finished()) {
                int count = inflater.inflate(some);
                text.write(some, 0, count);
                if (text.size() > LARGEST_TEXT) {
                    return ByteBuffer.allocate(0);
                }
                if (count == 0) {
                    break; // cut short: what is there counts
                }
            }
        } catch (DataFormatException e) {
            return ByteBuffer.allocate(0);
        } finally {
            inflater.end();
        }
        return ByteBuffer.wrap(text.toByteArray());
    }

    int width() {
        return ByteBuffer.wrap(header).getInt(0);
    }

    int height() {
        return ByteBuffer.wrap(header).getInt(4);
    }

    /** What decoding takes of the heap: the samples, of which three bytes become RGB in place. */
    long heapBytes() {
        int[] channels = {1, 0, 3, 1, 2, 0, 4};
        int kind = header[COLOR_TYPE];
        int bits = header[8] * (kind >= 0 && kind < channels.length ? channels[kind] : 4);
        long pixels = (long) width() * height();
        long samples = (bits + 7L) / 8 * pixels;
        return (bits == 24 ? 3 * pixels : samples + 3 * pixels) + (truncated ? 2 * samples : 0);
    }

    /** Whether pixels have a band of alpha. */
    boolean alpha() {
        return grayAlpha() || header[COLOR_TYPE] == RGB_ALPHA;
    }

    /**
     * The colour that is transparent, as it is once it has eight bits; null where there is none.
     *
     * <p>Reference: Pillow compares it with pixels that are scaled or cut to eight bits already, and takes its low byte.
     */
    byte[] transparentColor() {
        int kind = header[COLOR_TYPE];
        if (transparency == null
                || (kind != GRAY || transparency.limit() < 2) && (kind != RGB || transparency.limit() < 6)) {
            return null;
        }
        byte low = transparency.get(1);
        if (kind == RGB) {
            return new byte[] {low, transparency.get(3), transparency.get(5)};
        }
        byte gray = header[8] == 1 ? (byte) (transparency.getShort(0) == 0 ? 0 : 255) : low;
        return new byte[] {gray, gray, gray};
    }

    /** Puts a ground under the colours of the palette, if there is one; to be called first. */
    void lay(Ground ground) {
        if (header[COLOR_TYPE] == PALETTE && transparency != null) {
            for (int i = 0; i < Math.min(transparency.limit(), palette.length / 3); i++) {
                ground.under(palette, 3 * i, transparency.get(i) & 0xff);
            }
        }
    }

    boolean grayAlpha() {
        return header[COLOR_TYPE] == GRAY_ALPHA;
    }

    /** Header, palette where it is used, one chunk of pixel data, end. Transparency is told by others. */
    List<ByteBuffer> parts() {
        List<ByteBuffer> data = truncated ? PngRows.complete(this.data, header) : this.data;
        List<ByteBuffer> parts = new ArrayList<>();
        parts.add(file.slice(0, SIGNATURE_BYTES));
        byte[] clean = header.clone();
        clean[10] = 0; // the one compression method there is
        clean[12] = (byte) (header[12] == 0 ? 0 : 1);
        addChunk(parts, "IHDR", HEADER_BYTES, List.of(ByteBuffer.wrap(clean)));
        if (header[COLOR_TYPE] == PALETTE) {
            addChunk(parts, "PLTE", colors().limit(), List.of(colors()));
        }
        addChunk(parts, "IDAT", data.stream().mapToInt(ByteBuffer::limit).sum(), data);
        addChunk(parts, "IEND", 0, List.of());
        return parts;
    }

    /** As many colours as indices can name: what the file does not tell is black. */
    private ByteBuffer colors() {
        int bits = header[8];
        int size = bits == 1 || bits == 2 || bits == 4 ? 3 << bits : PALETTE_BYTES;
        byte[] colors = new byte[size];
        System.arraycopy(palette, 0, colors, 0, Math.min(size, palette.length));
        return ByteBuffer.wrap(colors);
    }

    /** Adds a chunk. The JDK's reader does not look at checksums, so there is none. */
    private static void addChunk(List<ByteBuffer> parts, String name, int length, List<ByteBuffer> content) {
        parts.add(ByteBuffer.allocate(8)
                .putInt(length)
                .put(name.getBytes(StandardCharsets.ISO_8859_1))
                .flip());
        parts.addAll(content);
        parts.add(ByteBuffer.allocate(4));
    }

    int orientation() {
        ByteBuffer block = exif;
        if (block == null && rawProfile != null) {
            block = rawExif();
        }
        return Orientation.of(block, xmp == null || xmp.limit() == 0 ? otherXmp : xmp);
    }

    /** A block that ImageMagick has written as text: three lines of name and length, then hexadecimal digits. */
    private ByteBuffer rawExif() {
        String[] lines = StandardCharsets.ISO_8859_1
                .decode(rawProfile.slice())
                .toString()
                .split("\n", 4);
        try {
            String digits = lines.length < 4 ? "" : lines[3].replaceAll("\\s", "");
            return ByteBuffer.wrap(HexFormat.of().parseHex(digits));
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
