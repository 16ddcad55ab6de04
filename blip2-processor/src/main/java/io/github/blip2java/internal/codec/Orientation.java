/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a camera was held: the EXIF orientation, 1 to 8, where 1 is upright.
 *
 * <p>Reads the one tag from an EXIF block, or from an XMP packet when the block lacks it, as Pillow's
 * {@code ImageOps.exif_transpose} does. Broken metadata means upright: it is no reason to refuse a picture.
 */
final class Orientation {

    static final int UPRIGHT = 1;

    /** No value at all; one that is none of 1 to 8 hides what XMP says. */
    static final int ABSENT = -1;

    private static final byte[] EXIF_PREFIX = "Exif\0\0".getBytes(StandardCharsets.ISO_8859_1);
    private static final Pattern XMP = Pattern.compile("tiff:Orientation(?:=\"|>)([0-9])");

    private Orientation() {}

    /**
     * The orientation that a file's metadata names.
     *
     * @param exif EXIF block, with or without the prefix {@code Exif\0\0}; null when there is none
     * @param xmp XMP packet; null when there is none
     */
    static int of(ByteBuffer exif, ByteBuffer xmp) {
        return of(exif == null ? ABSENT : fromExif(exif.slice()), xmp);
    }

    /** As above, of a tag's value that is already known. */
    static int of(int tag, ByteBuffer xmp) {
        int orientation = tag;
        if (orientation == ABSENT && xmp != null) {
            Matcher found = XMP.matcher(StandardCharsets.ISO_8859_1.decode(xmp.slice()));
            orientation = found.find() ? found.group(1).charAt(0) - '0' : ABSENT;
        }
        return orientation >= 1 && orientation <= 8 ? orientation : UPRIGHT;
    }

    private static int fromExif(ByteBuffer block) {
        int start = 0;
        while (hasPrefix(block, start)) {
            start += EXIF_PREFIX.length;
        }
        return TiffDirectory.of(block.position(start)).orientation();
    }

    private static boolean hasPrefix(ByteBuffer block, int at) {
        return block.limit() >= at + EXIF_PREFIX.length
                && block.slice(at, EXIF_PREFIX.length).equals(ByteBuffer.wrap(EXIF_PREFIX));
    }

    /** The picture turned upright; the same object when it is already. */
    static Pixels upright(Pixels stored, int orientation) {
        if (orientation == UPRIGHT) {
            return stored;
        }
        boolean turned = orientation >= 5; // rows become columns
        int width = stored.width();
        int height = stored.height();
        // Where the upright picture's first pixel is stored, and how far apart its neighbours are.
        boolean fromRight = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
        boolean fromBottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
        int column = fromRight ? -3 : 3;
        int row = fromBottom ? -3 * width : 3 * width;
        int first = (fromRight ? 3 * (width - 1) : 0) + (fromBottom ? 3 * width * (height - 1) : 0);
        int alongX = turned ? row : column;
        int alongY = turned ? column : row;

        Pixels upright = turned ? Pixels.allocate(height, width) : Pixels.allocate(width, height);
        byte[] from = stored.rgb();
        byte[] to = upright.rgb();
        int target = 0;
        for (int y = 0; y < upright.height(); y++) {
            int source = first + y * alongY;
            for (int x = 0; x < upright.width(); x++, source += alongX) {
                to[target++] = from[source];
                to[target++] = from[source + 1];
                to[target++] = from[source + 2];
            }
        }
        return upright;
    }
}
