/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** Cuts a table into its rows, without knowing what they say. */
final class RowReader {
    private final InputStream stream;
    private final Rows rows;
    private final ByteArrayOutputStream row = new ByteArrayOutputStream();
    private long end;

    RowReader(InputStream stream, Rows rows) {
        this.stream = new BufferedInputStream(stream, 1 << 16);
        this.rows = rows;
    }

    /** {@return the next whole row, with its line break; null where there is none} */
    String next() throws IOException {
        int quotes = 0;
        row.reset();
        for (int value = stream.read(); value >= 0; value = stream.read()) {
            row.write(value);
            quotes += value == '"' ? 1 : 0;
            if (value == '\n' && rows.endsRow(quotes)) {
                end += row.size();
                return row.toString(StandardCharsets.UTF_8);
            }
        }
        return null;
    }

    /** {@return bytes up to the end of the last whole row} */
    long end() {
        return end;
    }

    /** {@return what stands behind the last whole row, once {@link #next} has found no other} */
    String rest() {
        return row.toString(StandardCharsets.UTF_8);
    }

    /** {@return bytes of {@link #rest}} */
    int restBytes() {
        return row.size();
    }
}
