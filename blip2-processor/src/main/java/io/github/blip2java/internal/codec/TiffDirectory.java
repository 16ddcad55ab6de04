/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;

/**
 * The first directory of a TIFF structure, which TIFF and BigTIFF files and EXIF blocks begin with.
 *
 * <p>Reference: Pillow's {@code ImageFileDirectory_v2.load}. Of a tag that repeats the last entry counts; entries of
 * unknown types and without values are left out; the first one that points out of the file ends the list.
 */
final class TiffDirectory {

    static final int ORIENTATION = 0x0112;
    static final int COLOR_MAP = 0x0140;
    static final int XMP = 0x02bc;

    private static final int SHORT = 3;
    private static final int LONG = 4;
    private static final int RATIONAL = 5;
    private static final int SIGNED_SHORT = 8;
    private static final int SIGNED_LONG = 9;
    private static final int SIGNED_RATIONAL = 10;
    private static final int FLOAT = 11;
    private static final int DOUBLE = 12;

    /** BigTIFF's 64-bit types: unsigned, signed, and an offset. */
    private static final int LONG8 = 16;

    private static final int IFD8 = 18;

    /** Bytes of a value by type; 0 where the type is unknown. */
    private static final int[] TYPE_BYTES = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};

    /** A tag's type, number of values, and where the first one stands. */
    record Entry(int type, int count, int at) {
        boolean is64Bit() {
            return type >= LONG8;
        }

        int bytes() {
            return count * TYPE_BYTES[type];
        }
    }

    private final ByteBuffer tiff;
    private final Map<Integer, Entry> entries = new TreeMap<>();

    private TiffDirectory(ByteBuffer tiff) {
        this.tiff = tiff;
    }

    /** Reads the directory; one without entries when the bytes are no TIFF structure. */
    static TiffDirectory of(ByteBuffer structure) {
        ByteBuffer tiff = structure.slice();
        TiffDirectory directory = new TiffDirectory(tiff);
        if (tiff.limit() < 8 || tiff.get(0) != tiff.get(1) || (tiff.get(0) != 'I' && tiff.get(0) != 'M')) {
            return directory;
        }
        // A few programs swap the two bytes after the byte order.
        int magic = tiff.get(2) | tiff.get(3);
        tiff.order(tiff.get(0) == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        if (magic == '*') {
            directory.read(unsigned(tiff.getInt(4)), false);
        } else if (magic == '+' && tiff.limit() >= 16) {
            directory.read(tiff.getLong(8), true);
        }
        return directory;
    }

    private static long unsigned(int value) {
        return value & 0xffffffffL;
    }

    private void read(long start, boolean big) {
        int countBytes = big ? 8 : 2;
        int entryBytes = big ? 20 : 12;
        if (start < 0 || start > tiff.limit() - countBytes) {
            return;
        }
        long count = big ? tiff.getLong((int) start) : tiff.getShort((int) start) & 0xffff;
        long at = start + countBytes;
        for (long i = 0; i < count && at + entryBytes <= tiff.limit(); i++, at += entryBytes) {
            if (!readEntry((int) at, big)) {
                return;
            }
        }
    }

    /** Reads an entry; false when its values lie outside of the file. */
    private boolean readEntry(int at, boolean big) {
        int type = tiff.getShort(at + 2) & 0xffff;
        long count = big ? tiff.getLong(at + 4) : unsigned(tiff.getInt(at + 4));
        if (type >= TYPE_BYTES.length || TYPE_BYTES[type] == 0 || count == 0) {
            return true;
        }
        if (count < 0 || count > tiff.limit()) {
            return false;
        }
        long bytes = count * TYPE_BYTES[type];
        int inline = at + (big ? 12 : 8);
        // Few bytes stand in the entry itself, more stand where it points to.
        long values = inline;
        if (bytes > (big ? 8 : 4)) {
            values = big ? tiff.getLong(inline) : unsigned(tiff.getInt(inline));
        }
        if (values < 0 || values > tiff.limit() - bytes) {
            return false;
        }
        entries.put(tiff.getShort(at) & 0xffff, new Entry(type, (int) count, (int) values));
        return true;
    }

    ByteOrder order() {
        return tiff.order();
    }

    boolean has(int tag) {
        return entries.containsKey(tag);
    }

    /** A tag's type and place, null when it is absent. */
    Entry entry(int tag) {
        return entries.get(tag);
    }

    /** A tag's values as bytes. */
    ByteBuffer bytes(Entry entry) {
        return tiff.slice(entry.at(), entry.bytes()).order(tiff.order());
    }

    /** A tag's whole numbers; none when it is absent or holds something else. */
    long[] numbers(int tag) {
        Entry entry = entries.get(tag);
        if (entry == null || !(entry.type() == 1 || entry.type() == SHORT || entry.type() == LONG || entry.is64Bit())) {
            return new long[0];
        }
        long[] numbers = new long[entry.count()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (long) number(entry, i);
        }
        return numbers;
    }

    /** A tag's first number, or another value when there is none. */
    long number(int tag, long otherwise) {
        long[] numbers = numbers(tag);
        return numbers.length == 0 ? otherwise : numbers[0];
    }

    /**
     * The orientation as {@code ImageOps.exif_transpose} sees it: any type of number will do.
     *
     * @return the value; 0 when it is no whole number, {@link Orientation#ABSENT} without the tag
     */
    int orientation() {
        Entry entry = entries.get(ORIENTATION);
        if (entry == null) {
            return Orientation.ABSENT;
        }
        double value = entry.type() == 1 ? 0 : number(entry, 0); // Pillow keeps a byte as text
        return value >= 1 && value <= 8 && value == Math.rint(value) ? (int) value : 0;
    }

    private double number(Entry entry, int index) {
        int at = entry.at() + index * TYPE_BYTES[entry.type()];
        return switch (entry.type()) {
            case 1 -> tiff.get(at) & 0xff;
            case SHORT -> tiff.getShort(at) & 0xffff;
            case LONG -> unsigned(tiff.getInt(at));
            case SIGNED_SHORT -> tiff.getShort(at);
            case SIGNED_LONG -> tiff.getInt(at);
            case RATIONAL -> (double) unsigned(tiff.getInt(at)) / unsigned(tiff.getInt(at + 4));
            case SIGNED_RATIONAL -> (double) tiff.getInt(at) / tiff.getInt(at + 4);
            case FLOAT -> tiff.getFloat(at);
            case DOUBLE -> tiff.getDouble(at);
            case LONG8, LONG8 + 1, IFD8 -> tiff.getLong(at);
            default -> 0;
        };
    }
}
