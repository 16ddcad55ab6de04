/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;

/**
 * Follows the LZW codes of a GIF's frame up to its last pixel, counting pixels without making them.
 *
 * <p>The JDK's reader wants an end behind the last code, leaves pixels that do not come as they are, and goes astray in
 * blocks of one byte. Reference: Pillow's {@code GifDecode.c}, which takes whole blocks only, and needs nothing behind
 * the last pixel.
 */
final class GifCodes {

    private static final int MAX_BITS = 12;
    private static final int MAX_BLOCK = 255;

    private final ByteBuffer file;
    private int at;
    /** Bytes of the block that have not been read yet. */
    private int block;
    /** Bytes that have been read, without those that give lengths. */
    private int taken;

    /** Bits before the code that was read last, and how many it has. */
    private long followed;

    private int width;

    private int buffer;
    private int buffered;

    private GifCodes(ByteBuffer file, int start) {
        this.file = file;
        at = start;
    }

    /**
     * Takes the codes that make a frame's pixels.
     *
     * @param file the whole file
     * @param start where the size of the codes stands, before the first block
     * @param pixels how many the frame has
     * @param fill the index to put in place of those that are missing; negative where none may be
     * @return the size of the codes, blocks and their end
     * @throws PictureException when the codes make fewer pixels, or there is none of their number
     */
    static ByteBuffer take(ByteBuffer file, int start, long pixels, int fill) throws PictureException {
        GifCodes codes = new GifCodes(file, start + 1);
        int size = file.get(start) & 0xff;
        long made = size < MAX_BITS ? codes.follow(size, pixels) : 0;
        if (made < pixels && fill >= 0 && size >= 2 && size < MAX_BITS) {
            return codes.complete(start, size, pixels - made, fill < 1 << size ? fill : 0);
        }
        if (made < pixels) {
            throw new PictureException("cannot be decoded as GIF (expected " + pixels + " pixels in its frame, got "
                    + made + "); the file is cut short or damaged, get a complete copy");
        }
        return blocks(file, start, codes.taken);
    }

    /** The number of pixels that the codes make, up to those wanted. */
    private long follow(int size, long wanted) {
        int clear = 1 << size;
        int[] lengths = new int[1 << MAX_BITS];
        int bits = size + 1;
        int next = clear + 2;
        int last = -1;
        long made = 0;
        while (made < wanted) {
            followed = 8L * taken - buffered;
            width = bits;
            int code = next(bits);
            if (code == clear) {
                bits = size + 1;
                next = clear + 2;
                last = -1;
                continue;
            }
            if (code < 0 || code == clear + 1 || code > next || (last < 0 && code > clear)) {
                return made;
            }
            if (last >= 0 && next < lengths.length) {
                lengths[next++] = (last < clear ? 1 : lengths[last]) + 1;
                if (next == 1 << bits && bits < MAX_BITS) {
                    bits++;
                }
            }
            made += code < clear ? 1 : lengths[code];
            last = code;
        }
        return made;
    }

    /** All that has been followed, and codes of further pixels. */
    private ByteBuffer complete(int start, int size, long missing, int fill) {
        int clear = 1 << size;
        int group = clear - 2; // after more the decoder would expect longer codes
        long codes = 1 + missing + missing / group;
        byte[] bytes = new byte[Math.toIntExact((followed + width + codes * (size + 1)) / 8 + 1)];
        int whole = (int) ((followed + 7) / 8);
        for (int i = 0, from = start + 1, left = 0; i < whole; i++, left--) {
            if (left == 0) {
                left = file.get(from++) & 0xff;
            }
            bytes[i] = file.get(from++);
        }
        if (followed % 8 != 0) {
            bytes[whole - 1] &= (byte) ((1 << followed % 8) - 1); // behind the last code stands another, or half of it
        }
        put(bytes, clear, width);
        for (long i = 0; i < missing; i++) {
            if (i > 0 && i % group == 0) {
                put(bytes, clear, size + 1);
            }
            put(bytes, fill, size + 1);
        }
        int end = (int) ((followed + 7) / 8);
        ByteBuffer out = ByteBuffer.allocate(end + end / MAX_BLOCK + 4).put((byte) size);
        for (int from = 0; from < end; from += MAX_BLOCK) {
            int length = Math.min(MAX_BLOCK, end - from);
            out.put((byte) length).put(bytes, from, length);
        }
        return out.put((byte) 0).put((byte) ';').flip();
    }

    private void put(byte[] bytes, int code, int bits) {
        for (int i = 0; i < bits; i++, followed++) {
            bytes[(int) (followed / 8)] |= (byte) ((code >> i & 1) << followed % 8);
        }
    }

    /** The next code, or -1 where there is none. */
    private int next(int bits) {
        while (buffered < bits) {
            if (block == 0) {
                block = at < file.limit() ? file.get(at++) & 0xff : 0;
                if (block == 0 || at + block > file.limit()) {
                    return -1;
                }
            }
            block--;
            taken++;
            buffer |= (file.get(at++) & 0xff) << buffered;
            buffered += 8;
        }
        int code = buffer & (1 << bits) - 1;
        buffer >>>= bits;
        buffered -= bits;
        return code;
    }

    /** What has been read, in blocks of full length. */
    private static ByteBuffer blocks(ByteBuffer file, int start, int bytes) {
        ByteBuffer out = ByteBuffer.allocate(bytes + bytes / MAX_BLOCK + 4);
        out.put(file.get(start));
        int at = start + 1;
        for (int i = 0, left = 0; i < bytes; i++) {
            if (i % MAX_BLOCK == 0) {
                out.put((byte) Math.min(MAX_BLOCK, bytes - i));
            }
            if (left == 0) {
                left = file.get(at++) & 0xff;
            }
            out.put(file.get(at++));
            left--;
        }
        return out.put((byte) 0).put((byte) ';').flip();
    }
}
