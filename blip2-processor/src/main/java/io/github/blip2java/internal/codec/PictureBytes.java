/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** A picture file's bytes, read no further than the first ones when those are no picture's. */
public final class PictureBytes {

    /** The size of a file that tells none. */
    public static final long UNKNOWN = -1;

    private static final int HEAD_BYTES = 64;

    /** More would not fit a Java array. */
    private static final long LARGEST = Integer.MAX_VALUE - 8;

    private PictureBytes() {}

    /**
     * Reads a file.
     *
     * @param stream the file; read to its end, not closed
     * @param size bytes it is said to have, or {@link #UNKNOWN}; devices and pipes say 0
     * @param name what error messages call the file
     * @return its bytes
     * @throws IOException when reading fails, the first bytes are no picture's, or the file is larger than 2 GiB or than
     *     there is memory for
     */
    public static byte[] read(InputStream stream, long size, String name) throws IOException {
        byte[] head = stream.readNBytes(HEAD_BYTES);
        PictureDecoder.checkFormat(
                head, size > 0 || head.length < HEAD_BYTES ? Math.max(size, head.length) : UNKNOWN, name);
        long heap = Runtime.getRuntime().maxMemory();
        if (size > Math.min(LARGEST, heap)) {
            throw new IOException(name + ": expected a picture of at most " + (Math.min(LARGEST, heap) >> 20)
                    + " MiB, which Java's memory allows, got a file of " + (size >> 20)
                    + " MiB; if it is a picture, save it again as JPEG or PNG");
        }
        byte[] known = Arrays.copyOf(head, (int) Math.max(head.length, size));
        int count = head.length + stream.readNBytes(known, head.length, known.length - head.length);
        byte[] more = stream.readAllBytes();
        byte[] all = count + more.length == known.length && more.length == 0
                ? known
                : Arrays.copyOf(known, Math.addExact(count, more.length));
        System.arraycopy(more, 0, all, count, more.length);
        return all;
    }
}
