/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** The orientation from the metadata of files that are lists of chunks, and of TIFF. JPEG's is in {@link JpegFile}. */
final class Metadata {

    private static final String PNG_XMP = "XML:com.adobe.xmp\0";

    private Metadata() {}

    static int orientation(PictureFormat format, byte[] file) {
        ByteBuffer bytes = ByteBuffer.wrap(file);
        return switch (format) {
            case TIFF -> Orientation.of(bytes, null);
            case PNG -> {
                ByteBuffer text = chunk(bytes, 8, "iTXt", ByteOrder.BIG_ENDIAN);
                boolean xmp = text != null
                        && StandardCharsets.ISO_8859_1
                                .decode(text.slice())
                                .toString()
                                .startsWith(PNG_XMP);
                yield Orientation.of(chunk(bytes, 8, "eXIf", ByteOrder.BIG_ENDIAN), xmp ? text : null);
            }
            case WEBP ->
                Orientation.of(
                        chunk(bytes, 12, "EXIF", ByteOrder.LITTLE_ENDIAN),
                        chunk(bytes, 12, "XMP ", ByteOrder.LITTLE_ENDIAN));
            default -> Orientation.UPRIGHT;
        };
    }

    /** The data of the first chunk of a name, null when there is none; PNG writes the size first, RIFF the name. */
    private static ByteBuffer chunk(ByteBuffer file, int start, String name, ByteOrder order) {
        boolean png = order == ByteOrder.BIG_ENDIAN;
        file.order(order);
        byte[] id = new byte[4];
        long at = start;
        while (at + 8 <= file.limit()) {
            long size = file.getInt((int) at + (png ? 0 : 4)) & 0xffffffffL;
            file.get((int) at + (png ? 4 : 0), id);
            long end = at + 8 + size;
            if (end > file.limit()) {
                return null;
            }
            if (name.equals(new String(id, StandardCharsets.ISO_8859_1))) {
                return file.slice((int) at + 8, (int) size);
            }
            at = png ? end + 4 : end + (size & 1); // a checksum, or padding to an even size
        }
        return null;
    }
}
