/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

/** A matrix whose products have two ways, so that either can be measured. */
interface FewOrMany {

    /** Y = X · Wᵀ by our kernels, with {@code together} rows of x or more at a time. */
    void multiplyFew(float[] x, int rows, int together, Result y);

    /** Y = X · Wᵀ by the library, if there is one. */
    void multiplyMany(float[] x, int rows, Result y);
}
