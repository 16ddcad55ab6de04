/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.codec;

import java.nio.charset.StandardCharsets;

/** The file formats that are read, told apart by their first bytes and never by a file's name. */
enum PictureFormat {
    JPEG("com.sun.imageio.plugins.jpeg.JPEGImageReaderSpi"),
    PNG("com.sun.imageio.plugins.png.PNGImageReaderSpi"),
    GIF("com.sun.imageio.plugins.gif.GIFImageReaderSpi"),
    BMP("com.sun.imageio.plugins.bmp.BMPImageReaderSpi"),
    TIFF("com.sun.imageio.plugins.tiff.TIFFImageReaderSpi"),
    WEBP("com.luciad.imageio.webp.WebPImageReaderSpi");

    /** Class name of the one reader used: other plug-ins on the class path may decode differently. */
    final String reader;

    PictureFormat(String reader) {
        this.reader = reader;
    }

    /** The format of a file, or null when its first bytes belong to none. */
    static PictureFormat of(byte[] file) {
        String head = new String(file, 0, Math.min(file.length, 12), StandardCharsets.ISO_8859_1);
        if (head.startsWith("\u00ff\u00d8\u00ff")) {
            return JPEG;
        } else if (head.startsWith("\u0089PNG\r\n\u001a\n")) {
            return PNG;
        } else if (head.startsWith("GIF87a") || head.startsWith("GIF89a")) {
            return GIF;
        } else if (head.startsWith("BM")) {
            return BMP;
        } else if (head.startsWith("II*\0") || head.startsWith("MM\0*")) {
            return TIFF;
        } else if (head.startsWith("RIFF") && head.endsWith("WEBP")) {
            return WEBP;
        }
        return null;
    }
}
