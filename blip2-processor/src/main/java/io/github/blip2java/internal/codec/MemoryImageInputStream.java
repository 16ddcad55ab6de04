/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.codec;

import java.nio.ByteBuffer;
import java.util.List;
import javax.imageio.stream.ImageInputStreamImpl;

/** Parts of a file in memory, one after the other, as an image stream: no cache file, no global ImageIO setting. */
final class MemoryImageInputStream extends ImageInputStreamImpl {

    private final List<ByteBuffer> parts;
    private final long[] starts;
    private int current;

    /** A stream over {@code parts}, which are neither copied nor written to. */
    MemoryImageInputStream(List<ByteBuffer> parts) {
        this.parts = parts;
        starts = new long[parts.size() + 1];
        for (int i = 0; i < parts.size(); i++) {
            starts[i + 1] = starts[i] + parts.get(i).limit();
        }
    }

    /** Bytes from the stream's position to the end of the part it is in; 0 at the stream's end. */
    private int available() {
        while (current > 0 && streamPos < starts[current]) {
            current--;
        }
        while (current < parts.size() && streamPos >= starts[current + 1]) {
            current++;
        }
        return current == parts.size() ? 0 : (int) (starts[current + 1] - streamPos);
    }

    @Override
    public int read() {
        bitOffset = 0;
        return available() == 0 ? -1 : parts.get(current).get((int) (streamPos++ - starts[current])) & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
        bitOffset = 0;
        if (length == 0) {
            return 0;
        }
        int count = Math.min(length, available());
        if (count == 0) {
            return -1;
        }
        parts.get(current).get((int) (streamPos - starts[current]), target, offset, count);
        streamPos += count;
        return count;
    }

    @Override
    public long length() {
        return starts[parts.size()];
    }
}
