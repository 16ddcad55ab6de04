/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.Inflater;

/**
 * Puts zeros in place of the rows that a PNG lacks at its end, as Pillow leaves them; of one that is there in half nothing counts.
 *
 * <p>Source: the PNG specification, sections 8.2 (interlacing) and 9 (filtering).
 */
final class PngRows {
    /** First column and row, and the steps between them, of each pass over an interlaced picture. */
    private static final int[][] PASSES = {
        {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}
    };

    private static final int[][] ONE_PASS = {{0, 0, 1, 1}};

    private static final int[] CHANNELS = {1, 0, 3, 1, 2, 0, 4};

    private PngRows() {}

    /** {@return compressed data of all rows; the same where none is missing, or the header tells no size} */
    static List<ByteBuffer> complete(List<ByteBuffer> data, byte[] header) {
        int width = ByteBuffer.wrap(header).getInt(0);
        int height = ByteBuffer.wrap(header).getInt(4);
        int kind = header[9];
        if (kind < 0 || kind >= CHANNELS.length) {
            return data;
        }
        int bits = header[8] * CHANNELS[kind];
        int[][] passes = header[12] == 0 ? ONE_PASS : PASSES;
        long size = 0;
        for (int[] pass : passes) {
            size += rows(pass, height) * rowBytes(pass, width, bits);
        }
        if (size < 1 || size > Integer.MAX_VALUE - 8) {
            return data;
        }
        byte[] rows = new byte[(int) size];
        int known = inflate(data, rows);
        if (known == rows.length) {
            return data;
        }
        int whole = 0;
        for (int[] pass : passes) {
            long row = rowBytes(pass, width, bits);
            for (long y = 0; y < rows(pass, height) && whole + row <= known; y++) {
                whole += row;
            }
        }
        Arrays.fill(rows, whole, Math.max(whole, known), (byte) 0);
        return List.of(deflate(rows));
    }

    private static long rows(int[] pass, int height) {
        return Math.max(0, (height - pass[1] + pass[3] - 1L) / pass[3]);
    }

    /** With the byte that names the filter; 0 where a pass has no columns. */
    private static long rowBytes(int[] pass, int width, int bits) {
        long columns = Math.max(0, (width - pass[0] + pass[2] - 1L) / pass[2]);
        return columns == 0 ? 0 : 1 + (columns * bits + 7) / 8;
    }

    /** {@return how many bytes there are; all where they are damaged, so that the decoder tells} */
    private static int inflate(List<ByteBuffer> data, byte[] rows) {
        Inflater inflater = new Inflater();
        try {
            int known = 0;
            for (ByteBuffer chunk : data) {
                inflater.setInput(chunk.duplicate());
                int count;
                while (known < rows.length && (count = inflater.inflate(rows, known, rows.length - known)) > 0) {
                    known += count;
                }
            }
            return known;
        } catch (DataFormatException e) {
            return rows.length;
        } finally {
            inflater.end();
        }
    }

    private static ByteBuffer deflate(byte[] rows) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Deflater fast = new Deflater(Deflater.BEST_SPEED);
        try (DeflaterOutputStream stream = new DeflaterOutputStream(bytes, fast)) {
            stream.write(rows);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            fast.end();
        }
        return ByteBuffer.wrap(bytes.toByteArray());
    }
}
