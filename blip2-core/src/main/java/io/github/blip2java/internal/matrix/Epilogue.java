/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

/**
 * What is done to a piece of a product as soon as it is computed, by the thread that has it in its cache: a bias is added, an activation
 * applied. How a product is cut into pieces must not show in the result.
 */
@FunctionalInterface
public interface Epilogue {
    /** Nothing. */
    Epilogue NONE = (y, at, column, n) -> {};

    /**
     * Works on a piece of a row.
     *
     * @param y      changed in place
     * @param at     where the piece begins in y
     * @param column where it begins in its row
     * @param n      its length
     */
    void apply(float[] y, int at, int column, int n);
}
