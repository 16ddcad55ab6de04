/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;

/** What a file is that is not read, and what to do about it, for error messages. */
final class ForeignFile {

    private static final int TEXT_BYTES = 64;
    private static final int SHOWN_BYTES = 8;

    private record Kind(Pattern start, String name) {
        Kind(String start, String name) {
            this(Pattern.compile(start, Pattern.DOTALL | Pattern.CASE_INSENSITIVE), name);
        }
    }

    private static final List<Kind> KINDS = List.of(
            new Kind(
                    "....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)",
                    "a HEIC picture; convert it to JPEG or PNG, for instance with libheif: heif-convert IN.heic OUT.png"),
            new Kind(
                    "....ftypavi[fs]",
                    "an AVIF picture; convert it to JPEG or PNG, for instance with libavif: avifdec IN.avif OUT.png"),
            new Kind(
                    "....ftyp(isom|iso.|mp4.|mp42|m4v|qt|3g|avc1|dash)",
                    "a video; take a picture out of it, for instance with FFmpeg: ffmpeg -i IN -frames:v 1 OUT.png"),
            new Kind("....ftyp", "an ISO media file, such as a camera's raw picture; convert it to JPEG or PNG"),
            new Kind(
                    "\0\0\0\fjP  |\u00ff\u004f\u00ff\u0051",
                    "a JPEG 2000 picture; convert it to JPEG or PNG, for instance with OpenJPEG:"
                            + " opj_decompress -i IN.jp2 -o OUT.png"),
            new Kind(
                    "\0\0\0\fJXL |\u00ff\n",
                    "a JPEG XL picture; convert it to JPEG or PNG, for instance with libjxl: djxl IN.jxl OUT.png"),
            new Kind("II\u00bc", "a JPEG XR picture; convert it to JPEG or PNG, for instance with JxrDecApp"),
            new Kind(
                    "8BPS",
                    "a Photoshop picture; convert it to JPEG or PNG, for instance with ImageMagick: magick"
                            + " IN.psd[0] OUT.png"),
            new Kind(
                    "%PDF|%!PS",
                    "a PDF or PostScript document; convert it to PNG, for instance with Poppler: pdftoppm"
                            + " -png IN.pdf OUT"),
            new Kind(
                    "P7\\s|Pf\\s|PF\\s",
                    "a Netpbm picture of a kind that is not read; convert it to PNG, for"
                            + " instance with ImageMagick: magick IN OUT.png"),
            new Kind(
                    "qoif|gimp xcf|DDS |v/1\u0001|#\\?R|\0\0\2\0|\u00c5\u00d0\u00d3\u00c6|icns",
                    "a picture of a kind that is"
                            + " not read; convert it to JPEG or PNG, for instance with ImageMagick: magick IN OUT.png"),
            new Kind(
                    "\\s*(\u00ef\u00bb\u00bf)?\\s*(<\\?xml|<svg)",
                    "an SVG or other XML file; if it is a drawing, convert it to PNG, for"
                            + " instance with librsvg: rsvg-convert IN.svg -o OUT.png"),
            new Kind(
                    "\\s*(<!doctype html|<html)",
                    "a web page, perhaps an error message that was downloaded in place of"
                            + " the picture; download it again"),
            new Kind("version https://git-lfs", "a Git LFS pointer in place of the picture; run git lfs pull"));

    private ForeignFile() {}

    /**
     * Names a file.
     *
     * @param head the file, or its first bytes
     * @param size bytes of the whole file, negative when they are not known
     */
    static String describe(byte[] head, long size) {
        if (head.length == 0) {
            return "an empty file";
        }
        String start = new String(head, 0, Math.min(head.length, TEXT_BYTES), StandardCharsets.ISO_8859_1);
        for (Kind kind : KINDS) {
            if (kind.start.matcher(start).lookingAt()) {
                return kind.name;
            }
        }
        StringBuilder bytes = new StringBuilder((size < 0 ? "" : size + " ") + "bytes that begin with");
        for (int i = 0; i < Math.min(head.length, SHOWN_BYTES); i++) {
            bytes.append(String.format(" %02x", head[i]));
        }
        return bytes.append("; convert it to one of these").toString();
    }
}
