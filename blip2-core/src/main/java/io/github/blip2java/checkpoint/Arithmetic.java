/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

/** How products of many rows (pictures, prompts) are computed with weights that are kept as floats. */
public enum Arithmetic {
    /** Nothing is rounded before it is multiplied: a model gives the ids that {@code transformers} gives in float32. */
    F32,
    /**
     * Both factors are rounded to bfloat16 (8 significant bits), sums are float32: several times as fast on processors that multiply
     * bfloat16 themselves (x86 with AVX512_BF16 or AMX). Ids may differ. Products of few rows (a token) stay as they are, as do those
     * with weights of 8 and 4 bits.
     */
    BF16
}
