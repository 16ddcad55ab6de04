/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

/** How a weight matrix is kept in memory. Arithmetic is float32, but for {@link #INT8} and {@link #INT4}. */
public enum WeightFormat {
    /** As stored in the checkpoint. */
    AUTO,
    /** 32-bit floats. */
    F32,
    /** IEEE half precision. */
    F16,
    /** The upper half of a float32. */
    BF16,
    /**
     * 8-bit integers with a scale for each row. Lookup tables stay as stored. Products of many rows may round activations to 8
     * bits.
     */
    INT8,
    /**
     * 4-bit integers with a scale and an offset for each group of 32. Lookup tables stay as stored. Products round activations
     * to 8 bits.
     */
    INT4
}
