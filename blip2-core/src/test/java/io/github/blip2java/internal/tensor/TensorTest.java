/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class TensorTest {
    private static final float[] SIX = {1, 2, 3, 4, 5, 6};

    @Test
    void theLastDimensionIsARow() {
        Tensor tensor = Tensor.of(SIX, 1, 3, 2);
        assertThat(tensor.rank()).isEqualTo(3);
        assertThat(tensor.rows()).isEqualTo(3);
        assertThat(tensor.cols()).isEqualTo(2);
        assertThat(tensor.dim(1)).isEqualTo(3);
        assertThat(tensor.dim(-3)).isOne();
        assertThat(tensor).hasToString("Tensor[1, 3, 2]");
        assertThat(tensor.data()).isSameAs(SIX);
        assertThat(tensor.reshape(6).data()).isSameAs(SIX);
        assertThat(tensor.withRows(new float[12], 4).shape()).containsExactly(1, 3, 4);
        tensor.shape()[0] = 9;
        assertThat(tensor.shape()).containsExactly(1, 3, 2);
    }

    @Test
    void rowsAreCopiedInAnyOrder() {
        Tensor tensor = Tensor.of(SIX, 3, 2);
        assertThat(tensor.gatherRows(2, 0, 2).data()).containsExactly(5, 6, 1, 2, 5, 6);
        assertThat(tensor.gatherRows().shape()).containsExactly(0, 2);
        Tensor repeated = tensor.reshape(1, 3, 2).repeat(2);
        assertThat(repeated.shape()).containsExactly(2, 3, 2);
        assertThat(repeated.data()).containsExactly(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6);
    }

    @Test
    void shapesThatDoNotFitAreNamed() {
        assertThatThrownBy(() -> Tensor.of(SIX, 2, 2))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tensor: expected 4 elements for shape [2, 2], got 6");
        assertThatThrownBy(() -> Tensor.zeros(1 << 16, 1 << 15))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tensor: shape [65536, 32768] holds 2147483648 elements, more than a Java array; use a"
                        + " smaller batch");
    }

    @Test
    void arraysOfAnyOrderAndWidthBecomeRowsOfFloats() {
        INDArray doubles = Nd4j.create(new double[] {1, 2, 3, 4, 5, 6}, new long[] {2, 3}, 'c');
        assertThat(Tensors.fromINDArray(doubles, "x").data()).containsExactly(1, 2, 3, 4, 5, 6);
        INDArray turned = doubles.castTo(DataType.FLOAT).transpose();
        assertThat(Tensors.fromINDArray(turned, "x").shape()).containsExactly(3, 2);
        assertThat(Tensors.fromINDArray(turned, "x").data()).containsExactly(1, 4, 2, 5, 3, 6);
        assertThat(Tensors.toINDArray(Tensor.of(SIX, 2, 3))).isEqualTo(doubles.castTo(DataType.FLOAT));
        assertThatThrownBy(() -> Tensors.fromINDArray(Nd4j.empty(DataType.FLOAT), "x"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("x: expected at least one element, got an empty array");
        doubles.close();
        assertThatThrownBy(() -> Tensors.fromINDArray(doubles, "x"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("x: expected an open INDArray, got one that was closed");
    }

    @Test
    void positionsAreCutOutAndJoined() {
        Tensor tensor = Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 3, 2);
        Tensor first = tensor.positions(0, 1);
        assertThat(first.shape()).containsExactly(2, 1, 2);
        assertThat(first.data()).containsExactly(1, 2, 7, 8);
        Tensor rest = tensor.positions(1, 3);
        assertThat(rest.shape()).containsExactly(2, 2, 2);
        assertThat(rest.data()).containsExactly(3, 4, 5, 6, 9, 10, 11, 12);
        Tensor joined = first.followedBy(rest);
        assertThat(joined.shape()).containsExactly(2, 3, 2);
        assertThat(joined.data()).containsExactly(tensor.data());
    }
}
