/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.weights;

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
}
