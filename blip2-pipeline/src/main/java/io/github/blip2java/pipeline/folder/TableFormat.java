/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

/** How a table of texts is written. */
public enum TableFormat {
    /** One JSON object a line: {@code file_name}, {@code text}, {@code size}, {@code modified}, and more. */
    JSONL,
    /** Values between commas, as RFC 4180 says, below a line of names; every text in quotes, lines end with a line feed. */
    CSV
}
