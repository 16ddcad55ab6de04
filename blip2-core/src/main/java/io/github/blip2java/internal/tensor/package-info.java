/* SPDX-License-Identifier: Apache-2.0 */

/** Rows of floats on the heap, and the only bridge between them and ND4J's {@code INDArray}. */
package io.github.blip2java.internal.tensor;
