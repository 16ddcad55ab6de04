/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The segments of a JPEG file: what they say, and those that a decoder needs.
 *
 * <p>The colour model follows libjpeg's rules, in its order: JFIF, Adobe's transform flag, component identifiers.
 */
final class JpegFile {

    /** How the components encode colour. */
    enum ColorModel {
        GRAY,
        YCBCR,
        RGB,
        CMYK,
        YCCK
    }

    private static final int DHT = 0xc4;
    private static final int DAC = 0xcc;
    private static final int SOI = 0xd8;
    private static final int EOI = 0xd9;
    private static final int SOS = 0xda;
    private static final int DQT = 0xdb;
    private static final int DRI = 0xdd;
    private static final int APP0 = 0xe0;
    private static final int APP1 = 0xe1;
    private static final int APP14 = 0xee;
    private static final int COM = 0xfe;
    private static final int NO_TRANSFORM_FLAG = -1;
    private static final String EXIF_NAME = "Exif\0\0";
    private static final String XMP_NAME = "http://ns.adobe.com/xap/1.0/\0";

    /** JFIF's segment without a thumbnail, and the lengths from which libjpeg takes the two for what they are. */
    private static final byte[] JFIF = {
        (byte) 0xff, (byte) APP0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0
    };

    /** As many letters in a row, and as many different ones among them, hardly ever stand in entropy-coded data. */
    private static final int LETTERS = 24;

    private static final int DIFFERENT_LETTERS = 8;

    private static final int JFIF_BYTES = 14;
    private static final int ADOBE_BYTES = 12;

    private final ByteBuffer file;
    /** Whether the end may be missing: libjpeg then takes the rest for gray. */
    private final boolean truncated;

    private final List<ByteBuffer> parts = new ArrayList<>();
    /** Tables that count only when a scan follows them. */
    private final List<ByteBuffer> pending = new ArrayList<>();

    private final ByteArrayOutputStream exif = new ByteArrayOutputStream();
    private JpegScans scans;
    private boolean scanned;
    private boolean ended;
    /** Where in the file the last of the parts stands that is a scan. */
    private int lastScan;

    private int width;
    private int height;
    private int[] components;
    private boolean jfif;
    private int adobeTransform = NO_TRANSFORM_FLAG;
    private boolean hasExif;
    private ByteBuffer xmp;

    private JpegFile(byte[] file, boolean truncated) {
        this.file = ByteBuffer.wrap(file);
        this.truncated = truncated;
    }

    /**
     * Reads the segments.
     *
     * @param truncated whether parts of the picture may be missing at the end
     * @throws PictureException when there is no frame header, or the file stops before its end marker and lacks parts
     *     of the picture: a decoder would fill them with gray
     */
    static JpegFile parse(byte[] bytes, boolean truncated) throws PictureException {
        JpegFile jpeg = new JpegFile(bytes, truncated);
        jpeg.parts.add(ByteBuffer.wrap(new byte[] {(byte) 0xff, (byte) SOI}));
        jpeg.readSegments();
        if (jpeg.components == null) {
            throw new PictureException("expected a JPEG frame header, got none in " + bytes.length
                    + " bytes; the file is cut short or damaged");
        }
        if (!jpeg.ended && !jpeg.scans.complete() && !(truncated && jpeg.scanned)) {
            throw jpeg.cutShort();
        }
        return jpeg;
    }

    private PictureException cutShort() {
        return new PictureException("expected JPEG's end marker, got the end of the file after " + file.limit()
                + " bytes; the file is cut short, get a complete copy");
    }

    /**
     * Walks from marker to marker, up to the end marker, the last scan that the picture needs, or what cannot belong
     * to it: programs put other things behind a picture, and some leave the end marker out.
     */
    private void readSegments() {
        int at = 2;
        while (at + 1 < file.limit()) {
            int marker = unsigned(at + 1);
            if (unsigned(at) != 0xff || withoutLength(marker) || (marker == SOI && !scanned)) {
                at++; // what no decoder looks at between segments
                continue;
            }
            if (marker == EOI) {
                ended = true;
                return;
            }
            if (at + 3 >= file.limit() || (scanned && !followsScan(marker))) {
                return;
            }
            int end = at + 2 + Math.max(unsigned(at + 2) << 8 | unsigned(at + 3), 2);
            if (end > file.limit()) {
                return;
            }
            ByteBuffer data = file.slice(at + 4, end - at - 4);
            if (marker == SOS) {
                end = endOfScan(end);
                if (scans == null || !scans.add(data)) {
                    return;
                }
                scanned = true;
                parts.addAll(pending);
                pending.clear();
                lastScan = at;
                parts.add(file.slice(at, end - at));
                if (scans.complete()) {
                    ended = end + 1 < file.limit() && unsigned(end + 1) == EOI;
                    return;
                }
            } else if (isFrame(marker) || marker == DHT || marker == DAC || marker == DQT || marker == DRI) {
                pending.add(file.slice(at, end - at));
            }
            if (!scanned) {
                readSegment(marker, data);
            }
            at = end;
        }
    }

    private static boolean isFrame(int marker) {
        return marker >= 0xc0 && marker <= 0xcf && marker != DHT && marker != 0xc8 && marker != DAC;
    }

    /** A stuffed zero, fill bytes, or a marker that stands alone. */
    private static boolean withoutLength(int marker) {
        return marker == 0 || marker == 0xff || marker == 1 || (marker >= 0xd0 && marker < SOI);
    }

    private static boolean followsScan(int marker) {
        return marker == COM
                || marker == SOS
                || marker == DHT
                || marker == DAC
                || (marker >= DQT && marker <= DRI)
                || (marker >= APP0 && marker <= 0xef);
    }

    /** Where the first marker after entropy-coded data stands, or the file's end. */
    private int endOfScan(int start) {
        for (int at = start; at + 1 < file.limit(); at++) {
            if (file.get(at) == (byte) 0xff && !withoutLength(unsigned(at + 1))) {
                return at;
            }
        }
        return file.limit();
    }

    private void readSegment(int marker, ByteBuffer data) {
        if (isFrame(marker) && data.limit() >= 6 && components == null) {
            height = data.getShort(1) & 0xffff;
            width = data.getShort(3) & 0xffff;
            int count = Math.min(data.get(5) & 0xff, (data.limit() - 6) / 3);
            components = new int[count];
            for (int i = 0; i < count; i++) {
                components[i] = data.get(6 + 3 * i) & 0xff;
            }
            scans = new JpegScans(components, (marker & 3) == 2);
        } else if (marker == APP0 && startsWith(data, "JFIF\0") && data.limit() >= JFIF_BYTES) {
            jfif = true;
            parts.add(ByteBuffer.wrap(JFIF));
        } else if (marker == APP14 && startsWith(data, "Adobe") && data.limit() >= ADOBE_BYTES) {
            adobeTransform = data.get(11) & 0xff;
            parts.add(ByteBuffer.wrap(new byte[] {(byte) 0xff, (byte) APP14, 0, 2 + ADOBE_BYTES}));
            parts.add(data.slice(0, ADOBE_BYTES));
        } else if (marker == APP1 && startsWith(data, EXIF_NAME)) {
            // Reference: Pillow joins several EXIF segments, and takes the last of several XMP segments.
            hasExif = true;
            byte[] more = new byte[data.limit() - EXIF_NAME.length()];
            data.get(EXIF_NAME.length(), more);
            exif.writeBytes(more);
        } else if (marker == APP1 && startsWith(data, XMP_NAME)) {
            xmp = data;
        }
    }

    private static boolean startsWith(ByteBuffer data, String prefix) {
        byte[] expected = prefix.getBytes(StandardCharsets.ISO_8859_1);
        return data.limit() >= expected.length && data.slice(0, expected.length).equals(ByteBuffer.wrap(expected));
    }

    private int unsigned(int index) {
        return file.get(index) & 0xff;
    }

    int width() {
        return width;
    }

    int height() {
        return height;
    }

    /**
     * Start, frame, tables, scans and end marker: neither profiles nor other metadata, and nothing behind the end.
     *
     * @throws PictureException when the end marker is missing, and parts of the last scan, or all behind it
     */
    List<ByteBuffer> parts() throws PictureException {
        List<ByteBuffer> all = new ArrayList<>(parts);
        if (!ended) {
            all.add(untilLastCode(all.remove(all.size() - 1)));
        }
        all.add(ByteBuffer.wrap(new byte[] {(byte) 0xff, (byte) EOI}));
        return all;
    }

    /** The last scan without what else a program has put behind its codes. A file that just ends there was cut. */
    private ByteBuffer untilLastCode(ByteBuffer scan) throws PictureException {
        int end = JpegCodes.end(parts);
        if (truncated && (end < 0 || nothingFollows(lastScan + end) || !scans.complete())) {
            return scan;
        }
        if (end < 0 || nothingFollows(lastScan + end) || holdsText(scan.slice(0, end))) {
            throw cutShort();
        }
        return scan.slice(0, end);
    }

    /** Whether the file ends, or in half an end marker. */
    private boolean nothingFollows(int at) {
        while (at < file.limit() && unsigned(at) == 0xff) {
            at++;
        }
        return at == file.limit();
    }

    /** Whether there is text among the codes: other data, that can be read as codes. */
    private static boolean holdsText(ByteBuffer scan) {
        int letters = 0;
        for (int at = 0; at < scan.limit(); at++) {
            byte value = scan.get(at);
            letters = value >= '\t' && value < 127 && (value >= ' ' || value <= '\r') ? letters + 1 : 0;
            if (letters >= LETTERS) {
                ByteBuffer run = scan.slice(at + 1 - LETTERS, LETTERS);
                if (StandardCharsets.ISO_8859_1.decode(run).chars().distinct().count() >= DIFFERENT_LETTERS) {
                    return true;
                }
            }
        }
        return false;
    }

    /** What decoding takes of the heap: the components, of which three become RGB in place. */
    long heapBytes() {
        int count = components.length;
        return (long) width * height * (count == 3 ? 3 : count + 3);
    }

    int orientation() {
        return Orientation.of(hasExif ? ByteBuffer.wrap(exif.toByteArray()) : null, xmp);
    }

    ColorModel colorModel() throws PictureException {
        switch (components.length) {
            case 1:
                return ColorModel.GRAY;
            case 3:
                boolean rgb = !jfif
                        && (adobeTransform == 0
                                || (adobeTransform == NO_TRANSFORM_FLAG
                                        && components[0] == 'R'
                                        && components[1] == 'G'
                                        && components[2] == 'B'));
                return rgb ? ColorModel.RGB : ColorModel.YCBCR;
            case 4:
                return adobeTransform == NO_TRANSFORM_FLAG || adobeTransform == 0 ? ColorModel.CMYK : ColorModel.YCCK;
            default:
                throw new PictureException("expected a JPEG of 1, 3 or 4 components, got " + components.length
                        + "; convert the picture to RGB");
        }
    }
}
