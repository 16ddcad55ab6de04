/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.tensor;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A dense float32 array in row-major order: what flows between the layers.
 *
 * <p>The last dimension is a <em>row</em>; all others together count the rows, so {@code [batch, seq, hidden]} is
 * {@code batch * seq} rows of {@code hidden} floats. Data lives on the heap, where the kernels read it without copies;
 * {@link Tensors} converts to and from ND4J at the library's boundary.
 *
 * <p>A tensor is a view of the array it was made from and does not copy it. Layers never write to an argument.
 */
public final class Tensor {
    private final float[] data;
    private final int[] shape;

    private Tensor(float[] data, int[] shape) {
        this.data = data;
        this.shape = shape;
    }

    /**
     * Wraps an array.
     *
     * @param data  the elements in row-major order; not copied
     * @param shape the dimensions, each at least 0, whose product is {@code data.length}
     * @return the tensor
     * @throws IllegalArgumentException if shape and length disagree
     */
    public static Tensor of(float[] data, int... shape) {
        if (elements(shape) != data.length) {
            throw new IllegalArgumentException("tensor: expected " + elements(shape) + " elements for shape "
                    + text(shape) + ", got " + data.length);
        }
        return new Tensor(data, shape.clone());
    }

    /**
     * Makes a tensor of zeros.
     *
     * @param shape the dimensions
     * @return a new tensor
     * @throws IllegalArgumentException if the shape holds more elements than a Java array
     */
    public static Tensor zeros(int... shape) {
        return new Tensor(new float[elements(shape)], shape.clone());
    }

    /**
     * Gives the elements themselves.
     *
     * @return the backing array, row-major; shared, not a copy
     */
    public float[] data() {
        return data;
    }

    /**
     * Gives the shape.
     *
     * @return a copy of the dimensions
     */
    public int[] shape() {
        return shape.clone();
    }

    /**
     * Gives the number of dimensions.
     *
     * @return the rank, 1 or more
     */
    public int rank() {
        return shape.length;
    }

    /**
     * Gives one dimension.
     *
     * @param axis 0 to rank - 1, or negative to count from the end
     * @return its size
     */
    public int dim(int axis) {
        return shape[axis < 0 ? axis + shape.length : axis];
    }

    /**
     * Gives the length of a row.
     *
     * @return the last dimension
     */
    public int cols() {
        return dim(-1);
    }

    /**
     * Gives the number of rows.
     *
     * @return the product of all dimensions but the last
     */
    public int rows() {
        int rows = 1;
        for (int i = 0; i < shape.length - 1; i++) {
            rows *= shape[i];
        }
        return rows;
    }

    /**
     * Gives the same elements another shape.
     *
     * @param newShape dimensions with the same product
     * @return a view of this tensor's data
     * @throws IllegalArgumentException if the number of elements differs
     */
    public Tensor reshape(int... newShape) {
        return of(data, newShape);
    }

    /**
     * Gives the same rows with another row length.
     *
     * @param values as many rows as this tensor has, each {@code cols} long
     * @param cols   the row length
     * @return a tensor of {@code values} with this tensor's leading dimensions
     */
    public Tensor withRows(float[] values, int cols) {
        int[] newShape = shape.clone();
        newShape[newShape.length - 1] = cols;
        return of(values, newShape);
    }

    /**
     * Copies some rows.
     *
     * @param indices row numbers, 0 to rows - 1, in the order wanted
     * @return a new tensor {@code [indices.length, cols]}
     */
    public Tensor gatherRows(int... indices) {
        int cols = cols();
        float[] out = new float[Math.multiplyExact(indices.length, cols)];
        for (int i = 0; i < indices.length; i++) {
            System.arraycopy(data, indices[i] * cols, out, i * cols, cols);
        }
        return new Tensor(out, new int[] {indices.length, cols});
    }

    /**
     * Copies the whole several times, one after the other along the first dimension.
     *
     * @param times 1 or more
     * @return a new tensor {@code [times * dim(0), …]}
     */
    public Tensor repeat(int times) {
        int[] newShape = shape.clone();
        newShape[0] = Math.multiplyExact(times, shape[0]);
        Tensor repeated = zeros(newShape);
        for (int i = 0; i < times; i++) {
            System.arraycopy(data, 0, repeated.data, i * data.length, data.length);
        }
        return repeated;
    }

    /**
     * Puts tensors together along the first dimension.
     *
     * @param parts at least one, equal in all other dimensions
     * @return a new tensor
     */
    public static Tensor join(List<Tensor> parts) {
        int[] newShape = parts.get(0).shape.clone();
        newShape[0] = parts.stream().mapToInt(part -> part.shape[0]).sum();
        Tensor all = zeros(newShape);
        int at = 0;
        for (Tensor part : parts) {
            System.arraycopy(part.data, 0, all.data, at, part.data.length);
            at += part.data.length;
        }
        return all;
    }

    /**
     * Copies parts along the first dimension.
     *
     * @param indices 0 to dim(0) - 1, in the order wanted
     * @return a new tensor {@code [indices.length, …]}
     */
    public Tensor gatherSlices(int... indices) {
        int[] newShape = shape.clone();
        newShape[0] = indices.length;
        Tensor some = zeros(newShape);
        int each = data.length / shape[0];
        for (int i = 0; i < indices.length; i++) {
            System.arraycopy(data, indices[i] * each, some.data, i * each, each);
        }
        return some;
    }

    /** {@return a new tensor {@code [cols, rows]} of this one, which is {@code [rows, cols]}} */
    public Tensor transpose() {
        Tensor turned = zeros(shape[1], shape[0]);
        for (int i = 0; i < data.length; i++) {
            turned.data[i % shape[1] * shape[0] + i / shape[1]] = data[i];
        }
        return turned;
    }

    /**
     * Copies some positions of every sequence.
     *
     * @param from first position, 0 to to - 1
     * @param to   behind the last one, at most dim(1)
     * @return a new tensor {@code [batch, to - from, cols]} of this one, which is {@code [batch, seq, cols]}
     */
    public Tensor positions(int from, int to) {
        Tensor some = zeros(shape[0], to - from, shape[2]);
        int each = (to - from) * shape[2];
        for (int b = 0; b < shape[0]; b++) {
            System.arraycopy(data, (b * shape[1] + from) * shape[2], some.data, b * each, each);
        }
        return some;
    }

    /**
     * Puts the positions of another tensor behind those of every sequence.
     *
     * @param more {@code [batch, more, cols]}
     * @return a new tensor {@code [batch, seq + more, cols]} of this one, which is {@code [batch, seq, cols]}
     */
    public Tensor followedBy(Tensor more) {
        Tensor all = zeros(shape[0], shape[1] + more.shape[1], shape[2]);
        int first = shape[1] * shape[2];
        int second = more.shape[1] * shape[2];
        for (int b = 0; b < shape[0]; b++) {
            System.arraycopy(data, b * first, all.data, b * (first + second), first);
            System.arraycopy(more.data, b * second, all.data, b * (first + second) + first, second);
        }
        return all;
    }

    @Override
    public String toString() {
        return "Tensor" + text(shape);
    }

    /**
     * Writes a shape the way messages do.
     *
     * @param shape dimensions
     * @return for example {@code [1, 3, 224, 224]}
     */
    public static String text(int... shape) {
        return Arrays.stream(shape).mapToObj(String::valueOf).collect(Collectors.joining(", ", "[", "]"));
    }

    private static int elements(int[] shape) {
        long elements = 1;
        for (int dim : shape) {
            elements = Math.multiplyExact(elements, (long) dim);
        }
        if (elements < 0 || elements > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("tensor: shape " + text(shape) + " holds " + elements
                    + " elements, more than a Java array; use a smaller batch");
        }
        return (int) elements;
    }
}
