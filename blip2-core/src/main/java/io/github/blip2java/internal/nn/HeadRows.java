/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * Where attention finds its queries, keys or values: in a projection as it is, in a third of a packed one, or in a cache.
 *
 * <p>Row {@code r} of sequence {@code s}, head {@code h} begins at
 * {@code (spans.starts[s] + r) * stride + offset + h * headDim}.
 *
 * @param data   the floats
 * @param spans  the rows of each sequence
 * @param stride floats from one row to the next
 * @param offset floats before head 0 within a row
 */
public record HeadRows(float[] data, Spans spans, int stride, int offset) {

    /**
     * Takes a whole projection.
     *
     * @param projected {@code [rows, heads * headDim]}
     * @param spans     the rows of each sequence
     * @return its heads
     */
    public static HeadRows of(Tensor projected, Spans spans) {
        return new HeadRows(projected.data(), spans, projected.cols(), 0);
    }

    int index(int sequence, int row) {
        return (spans.start(sequence) + row) * stride + offset;
    }
}
