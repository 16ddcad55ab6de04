/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A TIFF or BigTIFF file's first picture: what its samples are, and a TIFF with the tags that pixels depend on.
 *
 * <p>Reference: Pillow's {@code TiffImageFile._setup} and its table {@code OPEN_INFO} of the kinds that it reads.
 */
final class TiffFile {

    /** How the numbers of a gray picture become bytes. */
    enum Samples {
        /** As the JDK's reader gives them. */
        UNSIGNED,
        /** Red, green and blue multiplied by an alpha behind them, to be divided by it, rounding down. */
        PREMULTIPLIED,
        /** 16 bits with a sign, cut at 0 and 255. */
        SIGNED_16,
        /** 32 bits with a sign, cut at 0 and 255; handed to the reader as four bytes. */
        INTEGER_32,
        /** 32-bit floats, rounded towards zero and cut at 0 and 255; handed to the reader as four bytes. */
        FLOAT_32
    }

    private static final int WIDTH = 256;
    private static final int HEIGHT = 257;
    private static final int BITS = 258;
    private static final int COMPRESSION = 259;
    private static final int PHOTOMETRIC = 262;
    private static final int STRIP_OFFSETS = 273;
    private static final int SAMPLES = 277;
    private static final int ROWS_PER_STRIP = 278;
    private static final int STRIP_BYTES = 279;
    private static final int PLANAR = 284;
    private static final int PREDICTOR = 317;
    private static final int EXTRA_SAMPLES = 338;
    private static final int TILE_BYTES = 325;
    private static final int SAMPLE_FORMAT = 339;

    /** Also fill order, fax options, tiles, inks, tables of JPEG and of colours, YCbCr; neither profiles nor text. */
    private static final Set<Integer> KEPT = Set.of(
            WIDTH,
            HEIGHT,
            BITS,
            COMPRESSION,
            PHOTOMETRIC,
            266,
            STRIP_OFFSETS,
            SAMPLES,
            ROWS_PER_STRIP,
            STRIP_BYTES,
            PLANAR,
            292,
            293,
            PREDICTOR,
            TiffDirectory.COLOR_MAP,
            322,
            323,
            324,
            TILE_BYTES,
            332,
            EXTRA_SAMPLES,
            347,
            512,
            513,
            514,
            515,
            517,
            518,
            519,
            520,
            521,
            529,
            530,
            531,
            532);

    /** Sizes and places, which may have 32 bits; other numbers the JDK's reader takes with 16 bits only. */
    private static final Set<Integer> WIDE = Set.of(
            WIDTH,
            HEIGHT,
            STRIP_OFFSETS,
            ROWS_PER_STRIP,
            STRIP_BYTES,
            292,
            293,
            322,
            323,
            324,
            TILE_BYTES,
            513,
            514,
            519,
            520,
            521);

    /** Of more than one number the first counts. */
    private static final Set<Integer> SINGLE =
            Set.of(WIDTH, HEIGHT, COMPRESSION, PHOTOMETRIC, 266, SAMPLES, ROWS_PER_STRIP, PLANAR, PREDICTOR, 322, 323);

    private static final int SIGNED = 2;
    private static final int FLOAT = 3;
    private static final int SHORT = 3;
    private static final int LONG = 4;
    private static final int RGB = 2;
    private static final int CMYK = 5;
    private static final int YCBCR = 6;
    private static final int LAB = 8;
    private static final int PREMULTIPLIED = 1;
    private static final int UNASSOCIATED_ALPHA = 2;
    /** What Corel Draw writes in place of {@link #UNASSOCIATED_ALPHA}. */
    private static final int COREL = 999;

    private static final int UNCOMPRESSED = 1;
    private static final int HEADER_BYTES = 8;

    private final ByteBuffer file;
    private final TiffDirectory directory;
    private final Samples samples;

    private TiffFile(byte[] bytes) throws PictureException {
        file = ByteBuffer.wrap(bytes);
        directory = TiffDirectory.of(file);
        if (!directory.has(WIDTH) || !directory.has(HEIGHT)) {
            throw new PictureException(
                    "cannot be decoded as TIFF (no width or height); the file is cut short or damaged,"
                            + " get a complete copy");
        }
        samples = samplesOf(directory);
    }

    /**
     * Reads the directory.
     *
     * @throws PictureException when there is none, or its samples are of a kind that is not read
     */
    static TiffFile parse(byte[] file) throws PictureException {
        return new TiffFile(file);
    }

    private static Samples samplesOf(TiffDirectory directory) throws PictureException {
        long bits = directory.number(BITS, 1);
        long format = directory.number(SAMPLE_FORMAT, 1);
        boolean gray = directory.number(SAMPLES, 1) == 1;
        boolean plain = directory.number(PREDICTOR, 1) == 1;
        if (format == FLOAT && bits == 32 && gray && plain) {
            return Samples.FLOAT_32;
        } else if (format != FLOAT && bits == 32 && gray && plain) {
            return Samples.INTEGER_32;
        } else if (format == SIGNED && bits == 16 && gray) {
            return Samples.SIGNED_16;
        }
        long photometric = directory.number(PHOTOMETRIC, 0);
        boolean wide = format == FLOAT || bits > 16 || (format == SIGNED && bits > 8);
        if (wide || bits > 8 && (bits != 16 || photometric == CMYK)) {
            throw unsupported(bits + "-bit " + (format == FLOAT ? "floating-point" : "integer") + " samples"
                    + (gray ? "" : " of several channels") + (plain ? "" : " and a predictor"));
        } else if (photometric > YCBCR) {
            throw unsupported(photometric == LAB ? "CIE Lab colours" : "colours of kind " + photometric);
        }
        return photometric == RGB && directory.number(EXTRA_SAMPLES, 0) == PREMULTIPLIED
                ? Samples.PREMULTIPLIED
                : Samples.UNSIGNED;
    }

    private static PictureException unsupported(String what) {
        return new PictureException(
                "TIFF with " + what + " is not supported; convert it to 8 bits of red, green and blue,"
                        + " for instance with ImageMagick: magick in.tif -colorspace sRGB -depth 8 out.png");
    }

    int width() {
        return size(WIDTH);
    }

    int height() {
        return size(HEIGHT);
    }

    private int size(int tag) {
        return (int) Math.min(Integer.MAX_VALUE, Math.max(0, directory.number(tag, 0)));
    }

    /**
     * What decoding takes of the heap: the samples, of which three bytes become RGB in place, and a strip's or tile's compressed bytes,
     * at worst twice.
     */
    long heapBytes() {
        long bits = directory.number(BITS, 1) * Math.min(8, directory.number(SAMPLES, 1));
        long pixels = (long) width() * height();
        long part = 0;
        for (int tag : new int[] {STRIP_BYTES, TILE_BYTES}) {
            for (long bytes : directory.numbers(tag)) {
                part = Math.max(part, Math.min(bytes, file.limit()));
            }
        }
        boolean compressed = directory.number(COMPRESSION, UNCOMPRESSED) != UNCOMPRESSED;
        return (bits == 24 ? 3 : (bits + 7) / 8 + 3) * pixels + (compressed ? 2 * part : 0);
    }

    /** The table of 16-bit colours, reds, greens, blues; none where there is none. */
    long[] colorMap() {
        return directory.numbers(TiffDirectory.COLOR_MAP);
    }

    int orientation() {
        TiffDirectory.Entry xmp = directory.entry(TiffDirectory.XMP);
        return Orientation.of(directory.orientation(), xmp == null ? null : directory.bytes(xmp));
    }

    /** The file with another header, and behind it another directory; all that it points to stays where it is. */
    List<ByteBuffer> parts() {
        int end = file.limit() + (file.limit() & 1);
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(directory.order());
        header.put(file.get(0)).put(file.get(1)).putShort((short) '*').putInt(end);
        return List.of(
                header.flip(),
                file.slice(HEADER_BYTES, file.limit() - HEADER_BYTES),
                ByteBuffer.allocate(end - file.limit()),
                writeDirectory(end));
    }

    private ByteBuffer writeDirectory(int start) {
        Map<Integer, long[]> numbers = corrected();
        List<Integer> tags = new ArrayList<>(numbers.keySet());
        KEPT.stream()
                .filter(tag -> directory.has(tag) && !numbers.containsKey(tag))
                .forEach(tags::add);
        tags.sort(null);

        Map<Integer, ByteBuffer> values = new TreeMap<>();
        int bytes = 2 + 12 * tags.size() + 4;
        for (int tag : tags) {
            ByteBuffer value =
                    numbers.containsKey(tag) ? write(tag, numbers.get(tag)) : directory.bytes(directory.entry(tag));
            values.put(tag, value);
            bytes += value.limit() > 4 ? value.limit() + (value.limit() & 1) : 0;
        }
        ByteBuffer out = ByteBuffer.allocate(bytes).order(directory.order());
        int at = 2 + 12 * tags.size() + 4;
        out.putShort((short) tags.size());
        for (int tag : tags) {
            ByteBuffer value = values.get(tag);
            boolean written = numbers.containsKey(tag);
            TiffDirectory.Entry entry = directory.entry(tag);
            out.putShort((short) tag).putShort((short) (written ? type(tag) : entry.type()));
            out.putInt(written ? numbers.get(tag).length : entry.count());
            int place = out.position();
            if (value.limit() > 4) {
                out.putInt(start + at);
                place = at;
                at += value.limit() + (value.limit() & 1);
            } else {
                out.putInt(0);
            }
            for (int i = 0; i < value.limit(); i++) {
                out.put(place + i, value.get(i));
            }
        }
        return out.position(0);
    }

    private static int type(int tag) {
        return WIDE.contains(tag) ? LONG : SHORT;
    }

    private ByteBuffer write(int tag, long[] numbers) {
        boolean wide = type(tag) == LONG;
        ByteBuffer bytes = ByteBuffer.allocate((wide ? 4 : 2) * numbers.length).order(directory.order());
        for (long number : numbers) {
            if (wide) {
                bytes.putInt((int) number);
            } else {
                bytes.putShort((short) number);
            }
        }
        return bytes.flip();
    }

    /** Tags whose values are not as they should be, or not as the JDK's reader takes them. */
    private Map<Integer, long[]> corrected() {
        Map<Integer, long[]> numbers = new TreeMap<>();
        for (int tag : KEPT) {
            long[] stated = directory.numbers(tag);
            boolean tooMany = stated.length > 1 && SINGLE.contains(tag);
            if (stated.length > 0 && (directory.entry(tag).type() != type(tag) || tooMany)) {
                numbers.put(tag, tooMany ? new long[] {stated[0]} : stated);
            }
        }
        if (!directory.has(PHOTOMETRIC)) {
            numbers.put(PHOTOMETRIC, new long[] {0});
        }
        if (samples == Samples.INTEGER_32 || samples == Samples.FLOAT_32) {
            numbers.put(BITS, new long[] {8, 8, 8, 8});
            numbers.put(SAMPLES, new long[] {4});
            numbers.put(PHOTOMETRIC, new long[] {RGB});
            numbers.put(EXTRA_SAMPLES, new long[] {UNASSOCIATED_ALPHA});
            numbers.put(PLANAR, new long[] {1});
        } else if (samples == Samples.PREMULTIPLIED) {
            numbers.put(EXTRA_SAMPLES, new long[] {UNASSOCIATED_ALPHA}); // as it is stored
        } else if (directory.number(BITS, 1) == 16 && directory.number(PHOTOMETRIC, 0) == 0) {
            numbers.put(PHOTOMETRIC, new long[] {1}); // Pillow does not invert 16-bit gray
        }
        long[] stripBytes = stripBytes();
        if (stripBytes.length > 0) {
            numbers.put(STRIP_BYTES, stripBytes);
        }
        return numbers;
    }

    /** How long uncompressed strips are, whatever the file says of it; none where they are compressed. */
    private long[] stripBytes() {
        long perPixel = 0;
        long[] bits = directory.numbers(BITS);
        long channels = directory.number(SAMPLES, 1);
        boolean planes = directory.number(PLANAR, 1) == 2 && channels > 1;
        for (int i = 0; i < (planes ? 1 : channels) && channels <= 8; i++) {
            perPixel += bits.length == 0 ? 1 : bits[Math.min(i, bits.length - 1)];
        }
        int strips = directory.numbers(STRIP_OFFSETS).length;
        if (directory.number(COMPRESSION, UNCOMPRESSED) != UNCOMPRESSED
                || directory.number(PHOTOMETRIC, 0) == 6
                || channels > 8
                || strips == 0) {
            return new long[0];
        }
        long rowBytes = (width() * perPixel + 7) / 8;
        long rows = Math.min(height(), Math.max(1, directory.number(ROWS_PER_STRIP, height())));
        long perPlane = Math.max(1, (height() + rows - 1) / rows);
        long[] bytes = new long[strips];
        for (int i = 0; i < strips; i++) {
            bytes[i] = rowBytes * Math.max(0, Math.min(rows, height() - i % perPlane * rows));
        }
        return bytes;
    }

    Samples samples() {
        return samples;
    }

    /**
     * Whether pixels have an alpha: the first extra sample says so, or four samples without a word.
     *
     * <p>Reference: Pillow's table {@code OPEN_INFO}.
     */
    boolean alpha() {
        boolean rgb = directory.number(PHOTOMETRIC, 0) == RGB;
        long extra = directory.number(EXTRA_SAMPLES, rgb && directory.number(SAMPLES, 1) == 4 ? UNASSOCIATED_ALPHA : 0);
        return extra == UNASSOCIATED_ALPHA || rgb && (extra == PREMULTIPLIED || extra == COREL);
    }

    /** The conversion of samples that are handed over as four bytes. */
    RowConverter fourBytes() {
        boolean little = directory.order() == ByteOrder.LITTLE_ENDIAN;
        return (row, out, target) -> {
            for (int i = 0; i < row.length; i += 4) {
                int number = little
                        ? row[i + 3] << 24 | row[i + 2] << 16 | row[i + 1] << 8 | row[i]
                        : row[i] << 24 | row[i + 1] << 16 | row[i + 2] << 8 | row[i + 3];
                float value = samples == Samples.FLOAT_32 ? Float.intBitsToFloat(number) : number;
                byte gray = (byte) Math.max(0, Math.min(255, (int) value));
                for (int band = 0; band < 3; band++) {
                    out[target++] = gray;
                }
            }
        };
    }

    /** The conversion of {@link Samples#PREMULTIPLIED}, some bands of a byte or of 16 bits whose high byte counts. */
    RowConverter premultiplied(int bands, Ground ground) {
        int shift = directory.number(BITS, 8) == 16 ? 8 : 0;
        RowConverter colors = (row, out, target) -> {
            for (int i = 0; i < row.length; i += bands) {
                int alpha = row[i + 3] >> shift;
                for (int band = 0; band < 3; band++) {
                    out[target++] = (byte) (alpha == 0 ? 0 : Math.min(255, (row[i + band] >> shift) * 255 / alpha));
                }
            }
        };
        return ground == null ? colors : ground.under(colors, bands, 3, shift);
    }
}
