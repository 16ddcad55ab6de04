/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import java.util.Arrays;

/**
 * One entry of a safetensors header.
 *
 * @param name  the tensor's name
 * @param dtype its element type
 * @param shape its dimensions; empty for a single number
 * @param begin byte offset of its first byte in the file
 * @param end   byte offset behind its last byte in the file
 */
public record TensorInfo(String name, DType dtype, long[] shape, long begin, long end) {

    /**
     * Copies the shape.
     *
     * @param name as above
     * @param dtype as above
     * @param shape as above
     * @param begin as above
     * @param end as above
     */
    public TensorInfo {
        shape = shape.clone();
    }

    /** {@return a copy} */
    @Override
    public long[] shape() {
        return shape.clone();
    }

    /**
     * Gives the number of elements.
     *
     * @return the product of the dimensions
     */
    public long elements() {
        return bytes() / dtype.bytes();
    }

    /**
     * Gives the stored size.
     *
     * @return bytes
     */
    public long bytes() {
        return end - begin;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TensorInfo info
                && name.equals(info.name)
                && dtype == info.dtype
                && Arrays.equals(shape, info.shape)
                && begin == info.begin
                && end == info.end;
    }

    @Override
    public int hashCode() {
        return 31 * name.hashCode() + Arrays.hashCode(shape);
    }

    @Override
    public String toString() {
        return "TensorInfo[name=" + name + ", dtype=" + dtype + ", shape=" + Arrays.toString(shape) + ", begin=" + begin
                + ", end=" + end + "]";
    }
}
