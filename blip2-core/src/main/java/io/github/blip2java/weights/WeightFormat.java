/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.weights;

/** How a weight matrix is kept in memory. Arithmetic is float32 whatever the format. */
public enum WeightFormat {
    /** As stored in the checkpoint. */
    AUTO,
    /** 32-bit floats. */
    F32,
    /** IEEE half precision. */
    F16,
    /** The upper half of a float32. */
    BF16,
    /** 8-bit integers with a scale. */
    INT8,
    /** 4-bit integers with a scale for each group. */
    INT4
}
