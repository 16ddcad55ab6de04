/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.nio.ByteBuffer;

/**
 * Some rows of a matrix as it is stored.
 *
 * @param bytes the whole matrix, row-major from index 0 on; little-endian
 * @param width elements of a row
 * @param from  first row
 * @param to    row after the last
 */
public record StoredRows(ByteBuffer bytes, int width, int from, int to) {}
