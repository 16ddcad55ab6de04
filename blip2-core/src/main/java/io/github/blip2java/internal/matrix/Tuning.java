/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.internal.kernel.Kernels;

/**
 * The numbers that choose who computes a product, each measured by {@code ProductBenchmark}; what was measured is in
 * docs/performance.md.
 *
 * @param smallProduct  multiply-adds below which a product stays on the calling thread, as waking another one costs more
 * @param taskRows      rows of a matrix that a thread takes at a time: a multiple of all numbers of rows that kernels handle together
 * @param fewRows       up to so many rows of activations our kernels multiply, which read weights once, as fast as memory gives them
 * @param fewRowsBeside the same for weights that the library reads as fast as memory gives them
 * @param fewRowsInt8   the same for weights of 8 bits; with more, activations are rounded for products in whole numbers
 * @param togetherInt8  so many rows take less time together than one after the other, with weights of 8 bits
 * @param togetherInt4  the same with weights of 4 bits
 */
record Tuning(
        long smallProduct,
        int taskRows,
        int fewRows,
        int fewRowsBeside,
        int fewRowsInt8,
        int togetherInt8,
        int togetherInt4) {
    private static final int NEVER = Integer.MAX_VALUE;

    private static final Tuning IN_PLACE = new Tuning(200_000, 48, 6, 3, 5, 3, 4);

    /** Where rows of weights are copied to the heap first. */
    private static final Tuning COPIED = new Tuning(200_000, 48, 6, 3, 3, 3, NEVER);

    /** Of this process. */
    static final Tuning CHOSEN = Kernels.get().readInPlace() ? IN_PLACE : COPIED;
}
