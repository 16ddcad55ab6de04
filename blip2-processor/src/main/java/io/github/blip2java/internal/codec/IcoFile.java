/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The largest picture of a Windows icon.
 *
 * <p>Reference: Pillow's {@code IcoFile}: the most pixels, of several the fewest bits a pixel, of several the first.
 */
final class IcoFile {

    private static final int HEADER_BYTES = 6;
    private static final int ENTRY_BYTES = 16;

    private IcoFile() {}

    /**
     * The bytes from the largest picture's first to the file's end: a PNG file, or a bitmap without file header.
     *
     * @throws PictureException when the list of pictures is cut short or points out of the file
     */
    static byte[] largest(byte[] file) throws PictureException {
        ByteBuffer icon = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int count = file.length < HEADER_BYTES ? 0 : icon.getShort(4) & 0xffff;
        long best = -1;
        int bestDepth = 0;
        long start = -1;
        for (int i = 0; i < count && HEADER_BYTES + (i + 1) * ENTRY_BYTES <= file.length; i++) {
            int at = HEADER_BYTES + i * ENTRY_BYTES;
            long pixels = (long) side(icon.get(at)) * side(icon.get(at + 1));
            int depth = depth(icon.get(at + 2) & 0xff, icon.getShort(at + 6) & 0xffff);
            if (pixels > best || (pixels == best && depth < bestDepth)) {
                best = pixels;
                bestDepth = depth;
                start = icon.getInt(at + 12) & 0xffffffffL;
            }
        }
        if (start < 0 || start >= file.length) {
            throw new PictureException("expected an icon's picture, got none in " + file.length
                    + " bytes; the file is cut short or damaged");
        }
        return Arrays.copyOfRange(file, (int) start, file.length);
    }

    private static int side(byte stated) {
        return stated == 0 ? 256 : stated & 0xff;
    }

    private static int depth(int colors, int bits) {
        if (bits != 0) {
            return bits;
        }
        int named = colors == 0 ? 0 : 32 - Integer.numberOfLeadingZeros(colors - 1);
        return named == 0 ? 256 : named;
    }
}
