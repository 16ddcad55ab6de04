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
     * @return the size of the codes, blocks and their end
     * @throws PictureException when the codes make fewer pixels, or there is none of their number
     */
    static ByteBuffer take(ByteBuffer file, int start, long pixels) throws PictureException {
        GifCodes codes = new GifCodes(file, start + 1);
        int size = file.get(start) & 0xff;
        long made = size < MAX_BITS ? codes.follow(size, pixels) : 0;
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
