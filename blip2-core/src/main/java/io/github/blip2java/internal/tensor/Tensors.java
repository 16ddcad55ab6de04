/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.tensor;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Conversion between ND4J arrays, which users see, and {@link Tensor}, which the layers use. */
public final class Tensors {
    private Tensors() {}

    /**
     * Copies an ND4J array onto the heap.
     *
     * @param array any floating point array, in any order; widened or narrowed to float32
     * @param name  what the caller calls it, for the message
     * @return its values in row-major order
     * @throws IllegalArgumentException if it is null, closed, empty or not of a floating point type
     */
    public static Tensor fromINDArray(INDArray array, String name) {
        if (array == null) {
            throw new IllegalArgumentException(name + ": expected an INDArray, got null");
        }
        if (array.wasClosed()) {
            throw new IllegalArgumentException(name + ": expected an open INDArray, got one that was closed");
        }
        if (!array.dataType().isFPType()) {
            throw new IllegalArgumentException(
                    name + ": expected FLOAT, got " + array.dataType() + "; cast with castTo(DataType.FLOAT)");
        }
        if (array.isEmpty()) {
            throw new IllegalArgumentException(name + ": expected at least one element, got an empty array");
        }
        int[] shape = Arrays.stream(array.shape()).mapToInt(Math::toIntExact).toArray();
        INDArray floats = array.dataType() == DataType.FLOAT ? array : array.castTo(DataType.FLOAT);
        // dup brings views and Fortran order into plain row-major order.
        INDArray plain = floats.ordering() == 'c' && !floats.isView() ? floats : floats.dup('c');
        float[] values = new float[Math.toIntExact(plain.length())];
        plain.data().asNioFloat().get(0, values);
        return Tensor.of(values, shape);
    }

    /**
     * Copies a tensor into ND4J.
     *
     * @param tensor any tensor, or null
     * @return a new float32 array in {@code c} order with the same shape, or null for null
     */
    public static INDArray toINDArray(Tensor tensor) {
        if (tensor == null) {
            return null;
        }
        long[] shape = Arrays.stream(tensor.shape()).asLongStream().toArray();
        INDArray array = Nd4j.createUninitialized(DataType.FLOAT, shape, 'c');
        array.data().asNioFloat().put(0, tensor.data());
        return array;
    }

    /**
     * Copies tensors into ND4J.
     *
     * @param tensors tensors, or null
     * @return new arrays in the same order, or null for null
     */
    public static List<INDArray> toINDArrays(List<Tensor> tensors) {
        return tensors == null
                ? null
                : tensors.stream().map(Tensors::toINDArray).collect(Collectors.toUnmodifiableList());
    }
}
