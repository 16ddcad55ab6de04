/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.matrix;

import io.github.blip2java.checkpoint.Arithmetic;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.StoredTensor;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.checkpoint.WeightMemory;
import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.quantization.Quantizer;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;

/**
 * A matrix {@code [out, in]} of weights. Immutable and safe for many threads. Once the {@link WeightMemory} that it lies in is closed,
 * using it is an {@link IllegalStateException}.
 */
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
    default void multiply(float[] x, int rows, float[] y) {
        multiply(x, rows, y, Epilogue.NONE);
    }

    /**
     * Computes Y = X · Wᵀ, and then what an epilogue does.
     *
     * @param x    {@code [rows, in]}
     * @param rows rows of x and y
     * @param y    {@code [rows, out]}, overwritten
     * @param then applied once to each element, by any thread
     */
    void multiply(float[] x, int rows, float[] y, Epilogue then);

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
     * @throws UnsupportedModelException if the format cannot be made of what is stored, or a weight does not fit it
     */
    static WeightMatrix load(WeightScope weights, String name, int out, int in) {
        return new OwnedMatrix(bare(weights, name, out, in), weights.memory());
    }

    private static WeightMatrix bare(WeightScope weights, String name, int out, int in) {
        WeightFormat stored = weights.dtype(name).quantization();
        if (stored != WeightFormat.AUTO) {
            requireAsStored(weights, name, stored);
            return quantized(
                    stored,
                    Quantizer.plan(stored, name, out, in).stream()
                            .map(part -> weights.tensorOf(part.dtype(), part.name(), part.shape())
                                    .map())
                            .toList(),
                    out,
                    in);
        }
        StoredTensor tensor = weights.tensor(name, out, in);
        return switch (weights.format()) {
            case AUTO -> floats(weights, DenseMatrix.mapped(tensor, out, in));
            case F32 -> floats(weights, DenseMatrix.as(DType.F32, tensor, out, in));
            case F16 -> floats(weights, DenseMatrix.as(DType.F16, tensor, out, in));
            case BF16 -> floats(weights, DenseMatrix.as(DType.BF16, tensor, out, in));
            case INT8, INT4 ->
                quantized(weights.format(), Quantizer.quantize(tensor, weights.format(), tensor.memory()), out, in);
        };
    }

    private static WeightMatrix floats(WeightScope weights, DenseMatrix matrix) {
        return weights.arithmetic() == Arithmetic.BF16 ? new Bf16Matrix(matrix) : matrix;
    }

    private static WeightMatrix quantized(WeightFormat format, List<ByteBuffer> parts, int out, int in) {
        return format == WeightFormat.INT8
                ? new Int8Matrix(parts.get(0), parts.get(1), out, in)
                : new Int4Matrix(parts.get(0), parts.get(1), out, in);
    }

    private static void requireAsStored(WeightScope weights, String name, WeightFormat stored) {
        if (weights.format() != WeightFormat.AUTO && weights.format() != stored) {
            String got = stored.name().toLowerCase(Locale.ROOT);
            throw new UnsupportedModelException("tensor \"" + weights.path(name) + "\": expected floats to make dtype "
                    + weights.format().name().toLowerCase(Locale.ROOT) + " of, got " + got
                    + "; load with dtype auto or "
                    + got + ", or take the checkpoint that this one was converted from");
        }
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
        return quantised
                ? new OwnedMatrix(DenseMatrix.mapped(weights.tensor(name, out, in), out, in), weights.memory())
                : load(weights, name, out, in);
    }

    /**
     * Copies floats that are on the heap already.
     *
     * @param memory receives them
     * @param values {@code [out, in]}, row-major
     * @param out    rows
     * @param in     columns
     * @return the matrix
     */
    static WeightMatrix of(WeightMemory memory, float[] values, int out, int in) {
        return new OwnedMatrix(DenseMatrix.of(memory, values, out, in), memory);
    }
}
