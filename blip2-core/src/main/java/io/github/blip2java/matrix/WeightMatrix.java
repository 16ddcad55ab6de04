/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.matrix;

import io.github.blip2java.weights.DType;
import io.github.blip2java.weights.StoredTensor;
import io.github.blip2java.weights.UnsupportedModelException;
import io.github.blip2java.weights.WeightFormat;
import io.github.blip2java.weights.WeightScope;

/** A matrix {@code [out, in]} of weights. Immutable and safe for many threads. */
public interface WeightMatrix {

    /**
     * Gives the number of rows.
     *
     * @return output features
     */
    int outFeatures();

    /**
     * Gives the length of a row.
     *
     * @return input features
     */
    int inFeatures();

    /**
     * Computes Y = X · Wᵀ.
     *
     * @param x    {@code [rows, in]}
     * @param rows rows of x and y
     * @param y    {@code [rows, out]}, overwritten
     */
    void multiply(float[] x, int rows, float[] y);

    /**
     * Copies one row, widened to float32.
     *
     * @param row  0 to out - 1
     * @param to   receives {@code in} floats
     * @param from where they go in {@code to}
     */
    void copyRow(int row, float[] to, int from);

    /**
     * Takes a matrix from a checkpoint in the format that the scope asks for.
     *
     * @param weights the scope
     * @param name    the tensor's name there
     * @param out     rows it must have
     * @param in      columns it must have
     * @return the matrix
     */
    static WeightMatrix load(WeightScope weights, String name, int out, int in) {
        StoredTensor tensor = weights.tensor(name, out, in);
        return switch (weights.format()) {
            case AUTO -> DenseMatrix.mapped(tensor, out, in);
            case F32 -> DenseMatrix.as(DType.F32, tensor, out, in);
            case F16 -> DenseMatrix.as(DType.F16, tensor, out, in);
            case BF16 -> DenseMatrix.as(DType.BF16, tensor, out, in);
            case INT8, INT4 ->
                throw new UnsupportedModelException(
                        "dtype " + weights.format() + " is not supported yet; supported: auto, f32, f16, bf16");
        };
    }

    /**
     * Takes a lookup table from a checkpoint, which is never kept with fewer than 16 bits.
     *
     * @param weights the scope
     * @param name    the tensor's name there
     * @param out     rows it must have
     * @param in      columns it must have
     * @return the matrix
     */
    static WeightMatrix loadTable(WeightScope weights, String name, int out, int in) {
        boolean quantised = weights.format() == WeightFormat.INT8 || weights.format() == WeightFormat.INT4;
        return quantised ? DenseMatrix.mapped(weights.tensor(name, out, in), out, in) : load(weights, name, out, in);
    }

    /**
     * Wraps floats that are on the heap already.
     *
     * @param values {@code [out, in]}, row-major; copied
     * @param out    rows
     * @param in     columns
     * @return the matrix
     */
    static WeightMatrix of(float[] values, int out, int in) {
        return DenseMatrix.of(values, out, in);
    }
}
