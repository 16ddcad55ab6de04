/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The first directory of a TIFF structure, which a TIFF file and an EXIF block both begin with. */
final class TiffDirectory {

    static final int ORIENTATION = 0x0112;
    static final int COLOR_MAP = 0x0140;

    private static final int SHORT = 3;
    private static final int LONG = 4;
    private static final int ENTRY_BYTES = 12;

    private TiffDirectory() {}

    /** A tag's 16-bit or 32-bit numbers; none when the tag is absent or the structure is broken. */
    static int[] numbers(ByteBuffer structure, int tag) {
        ByteBuffer tiff = structure.slice();
        if (tiff.limit() < 8) {
            return new int[0];
        }
        tiff.order(tiff.get(0) == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        long directory = unsigned(tiff.getInt(4));
        int entries = directory + 2 > tiff.limit() ? 0 : tiff.getShort((int) directory) & 0xffff;
        for (int i = 0; i < entries; i++) {
            long entry = directory + 2 + (long) ENTRY_BYTES * i;
            if (entry + ENTRY_BYTES > tiff.limit()) {
                break;
            }
            if ((tiff.getShort((int) entry) & 0xffff) == tag) {
                return valuesOf(tiff, (int) entry);
            }
        }
        return new int[0];
    }

    private static int[] valuesOf(ByteBuffer tiff, int entry) {
        int type = tiff.getShort(entry + 2);
        long count = unsigned(tiff.getInt(entry + 4));
        int bytes = type == SHORT ? 2 : 4;
        // Up to four bytes stand in the entry itself, more stand where it points to.
        long at = count * bytes <= 4 ? entry + 8 : unsigned(tiff.getInt(entry + 8));
        if ((type != SHORT && type != LONG) || at + count * bytes > tiff.limit()) {
            return new int[0];
        }
        int[] numbers = new int[(int) count];
        for (int i = 0; i < numbers.length; i++) {
            int position = (int) at + i * bytes;
            numbers[i] = type == SHORT ? tiff.getShort(position) & 0xffff : tiff.getInt(position);
        }
        return numbers;
    }

    private static long unsigned(int value) {
        return value & 0xffffffffL;
    }
}
