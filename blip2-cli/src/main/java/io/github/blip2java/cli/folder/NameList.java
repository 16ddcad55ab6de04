/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.folder;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.NoSuchElementException;

/** Names of a list, one a line or each with a zero byte behind it, read while they are asked for. */
final class NameList implements Iterator<String> {
    private final Iterator<String> first;
    private final InputStream stream;
    private final int end;
    private final ByteArrayOutputStream name = new ByteArrayOutputStream();
    private String next;
    private boolean ended;

    /**
     * Reads a list.
     *
     * @param first  names before those of the list
     * @param stream the list, in UTF-8; closed behind its last name
     * @param nul    whether names end with a zero byte, as those of {@code find -print0}
     */
    NameList(Iterator<String> first, InputStream stream, boolean nul) {
        this.first = first;
        this.stream = new BufferedInputStream(stream);
        this.end = nul ? 0 : '\n';
    }

    @Override
    public boolean hasNext() {
        try {
            while (next == null && !first.hasNext()) {
                if (ended) {
                    return false;
                }
                int value = stream.read();
                if (value == end || value < 0) {
                    String read = name.toString(StandardCharsets.UTF_8);
                    name.reset();
                    read = end == '\n' && read.endsWith("\r") ? read.substring(0, read.length() - 1) : read;
                    next = read.isEmpty() ? null : read;
                    if (value < 0) {
                        ended = true;
                        stream.close();
                    }
                } else {
                    name.write(value);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("--files-from: expected to read names, got \"" + e.getMessage() + "\"", e);
        }
        return true;
    }

    @Override
    public String next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        if (next == null) {
            return first.next();
        }
        String found = next;
        next = null;
        return found;
    }
}
