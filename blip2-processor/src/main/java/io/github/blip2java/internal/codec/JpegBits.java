/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;

/**
 * Reads the entropy-coded data of a JPEG's scan.
 *
 * <p>Source: ITU-T T.81, annex F.2.2.
 */
final class JpegBits {

    private static final int RST0 = 0xd0;

    /** The data end, or hold what no encoder writes. */
    static final class NoSuchCodes extends Exception {

        private static final long serialVersionUID = 1;

        NoSuchCodes() {
            super(null, null, false, false);
        }
    }

    /**
     * A Huffman table.
     *
     * @param first for each length of 1 to 16 bits, its first code
     * @param count for each length, the number of its codes
     * @param offset for each length, where the values of its codes begin
     * @param values what the codes stand for
     */
    record Table(int[] first, int[] count, int[] offset, ByteBuffer values) {}

    private final ByteBuffer data;
    private int at;
    private int bits;
    private int left;

    JpegBits(ByteBuffer data, int start) {
        this.data = data;
        at = start;
    }

    /** Where the next byte stands. */
    int at() {
        return at;
    }

    private int next() throws NoSuchCodes {
        if (at == data.limit()) {
            throw new NoSuchCodes();
        }
        return data.get(at++) & 0xff;
    }

    /** Ends the last byte, which encoders fill with ones, some with zeros; a byte of zeros can stand behind the codes. */
    void end() throws NoSuchCodes {
        int ones = (1 << left) - 1;
        int filling = bits & ones;
        if (filling != ones && (filling != 0 || bits == 0)) {
            throw new NoSuchCodes();
        }
        left = 0;
    }

    /** Takes a restart marker. */
    void restart(int number) throws NoSuchCodes {
        if (next() != 0xff || afterFill() != RST0 + number) {
            throw new NoSuchCodes();
        }
    }

    /** The first byte after others that are 0xff. */
    private int afterFill() throws NoSuchCodes {
        int value;
        do {
            value = next();
        } while (value == 0xff);
        return value;
    }

    int code(Table table) throws NoSuchCodes {
        int code = 0;
        for (int length = 1; table != null && length <= 16; length++) {
            code = code << 1 | bit();
            int index = code - table.first[length];
            if (index < table.count[length]) {
                return table.values.get(table.offset[length] + index) & 0xff;
            }
        }
        throw new NoSuchCodes();
    }

    /** A signed number of so many bits. */
    int value(int size) throws NoSuchCodes {
        int value = bits(size);
        return size > 0 && value < 1 << size - 1 ? value - (1 << size) + 1 : value;
    }

    int bits(int size) throws NoSuchCodes {
        int value = 0;
        for (int i = 0; i < size; i++) {
            value = value << 1 | bit();
        }
        return value;
    }

    int bit() throws NoSuchCodes {
        if (left == 0) {
            bits = next();
            if (bits == 0xff && afterFill() != 0) {
                throw new NoSuchCodes();
            }
            left = 8;
        }
        left--;
        return bits >> left & 1;
    }
}
