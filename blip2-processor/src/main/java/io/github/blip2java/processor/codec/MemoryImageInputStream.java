/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.codec;

import javax.imageio.stream.ImageInputStreamImpl;

/** A file in memory as an image stream, so that neither a cache file nor a global ImageIO setting is needed. */
final class MemoryImageInputStream extends ImageInputStreamImpl {

    private final byte[] file;

    MemoryImageInputStream(byte[] file) {
        this.file = file;
    }

    @Override
    public int read() {
        bitOffset = 0;
        return streamPos < file.length ? file[(int) streamPos++] & 0xff : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
        bitOffset = 0;
        if (length == 0) {
            return 0;
        }
        int count = (int) Math.min(length, file.length - streamPos);
        if (count <= 0) {
            return -1;
        }
        System.arraycopy(file, (int) streamPos, target, offset, count);
        streamPos += count;
        return count;
    }

    @Override
    public long length() {
        return file.length;
    }
}
