/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** The file formats that are read, told apart by their first bytes and never by a file's name. */
enum PictureFormat {
    JPEG("\u00ff\u00d8\u00ff"),
    PNG("\u0089PNG\r\n\u001a\n"),
    GIF("GIF8[79]a"),
    BMP("BM"),
    /** Also BigTIFF, and TIFF whose third and fourth byte are swapped, as Pillow takes it. */
    TIFF("(II|MM)(\\*\0|\0\\*|\\+\0|\0\\+)"),
    WEBP("RIFF....WEBP"),
    ICO("\0\0\1\0"),
    PNM("P[1-6][\\s#]");

    /** First bytes that settle the format. */
    static final int HEAD_BYTES = 12;

    private final Pattern start;

    PictureFormat(String start) {
        this.start = Pattern.compile(start, Pattern.DOTALL);
    }

    /** The format of a file by its first {@link #HEAD_BYTES} or more, or null when they belong to none. */
    static PictureFormat of(byte[] file) {
        String head = new String(file, 0, Math.min(file.length, HEAD_BYTES), StandardCharsets.ISO_8859_1);
        for (PictureFormat format : values()) {
            if (format.start.matcher(head).lookingAt()) {
                return format;
            }
        }
        return null;
    }
}
