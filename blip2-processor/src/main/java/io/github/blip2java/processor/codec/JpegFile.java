/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.codec;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What the segments of a JPEG file say: size, components, colour model, orientation, and whether the file ends.
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

    private static final int SOI = 0xd8;
    private static final int EOI = 0xd9;
    private static final int SOS = 0xda;
    private static final int APP0 = 0xe0;
    private static final int APP1 = 0xe1;
    private static final int APP14 = 0xee;
    private static final int NO_TRANSFORM_FLAG = -1;
    private static final String XMP_NAME = "http://ns.adobe.com/xap/1.0/\0";

    private final ByteBuffer file;
    private int width;
    private int height;
    private int[] components;
    private boolean jfif;
    private int adobeTransform = NO_TRANSFORM_FLAG;
    private ByteBuffer exif;
    private ByteBuffer xmp;

    private JpegFile(byte[] file) {
        this.file = ByteBuffer.wrap(file);
    }

    /**
     * Reads the segments.
     *
     * @throws PictureException when there is no frame header, or the file stops before its end marker: a decoder would
     *     fill the missing part with gray
     */
    static JpegFile parse(byte[] bytes) throws PictureException {
        JpegFile jpeg = new JpegFile(bytes);
        boolean ended = jpeg.readSegments();
        if (jpeg.components == null) {
            throw new PictureException("expected a JPEG frame header, got none in " + bytes.length
                    + " bytes; the file is cut short or damaged");
        }
        if (!ended) {
            throw new PictureException("expected JPEG's end marker, got the end of the file after " + bytes.length
                    + " bytes; the file is cut short, get a complete copy");
        }
        return jpeg;
    }

    /** Walks from marker to marker; true when the end marker was met. */
    private boolean readSegments() {
        int at = 2;
        while (at + 1 < file.limit()) {
            int marker = unsigned(at + 1);
            if (unsigned(at) != 0xff
                    || marker == 0
                    || marker == 0xff
                    || (marker >= 0xd0 && marker <= SOI)
                    || marker == 1) {
                at++; // entropy-coded data, a stuffed zero, fill bytes, or a marker without a length
                continue;
            }
            if (marker == EOI) {
                return true;
            }
            if (at + 3 >= file.limit()) {
                return false;
            }
            int length = unsigned(at + 2) << 8 | unsigned(at + 3);
            int end = at + 2 + Math.max(length, 2);
            if (end > file.limit()) {
                return false;
            }
            if (marker != SOS) {
                readSegment(marker, file.slice(at + 4, end - at - 4));
            }
            at = end;
        }
        return false;
    }

    private void readSegment(int marker, ByteBuffer data) {
        boolean frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
        if (frame && data.limit() >= 6 && components == null) {
            height = data.getShort(1) & 0xffff;
            width = data.getShort(3) & 0xffff;
            int count = Math.min(data.get(5) & 0xff, (data.limit() - 6) / 3);
            components = new int[count];
            for (int i = 0; i < count; i++) {
                components[i] = data.get(6 + 3 * i) & 0xff;
            }
        } else if (marker == APP0 && startsWith(data, "JFIF\0")) {
            jfif = true;
        } else if (marker == APP14 && startsWith(data, "Adobe") && data.limit() >= 12) {
            adobeTransform = data.get(11) & 0xff;
        } else if (marker == APP1 && exif == null && startsWith(data, "Exif\0\0")) {
            exif = data;
        } else if (marker == APP1 && xmp == null && startsWith(data, XMP_NAME)) {
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

    int orientation() {
        return Orientation.of(exif, xmp);
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
