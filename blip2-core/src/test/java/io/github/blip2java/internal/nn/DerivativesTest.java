/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.checkpoint.WeightMemory;
import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.matrix.WeightMatrix;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Derivatives that are carried back are those that differences of results show. */
@Tag("arithmetic")
class DerivativesTest {
    private static final int ROWS = 3;
    private static final float STEP = 1e-2f;

    private final Random random = new Random(9);

    private Tensor random(int... shape) {
        Tensor tensor = Tensor.zeros(shape);
        for (int i = 0; i < tensor.data().length; i++) {
            tensor.data()[i] = (float) random.nextGaussian();
        }
        return tensor;
    }

    /** Of Σ gradient · forward(x) by each element of x, by its values on both sides. */
    private static void check(Tensor x, Tensor gradient, UnaryOperator<Tensor> forward, Tensor actual) {
        assertThat(actual.shape()).isEqualTo(x.shape());
        for (int i = 0; i < x.data().length; i++) {
            double difference = score(x, i, STEP, gradient, forward) - score(x, i, -STEP, gradient, forward);
            assertThat((double) actual.data()[i])
                    .as("element %d", i)
                    .isCloseTo(difference / (2 * STEP), Offset.offset(2e-3));
        }
    }

    private static double score(Tensor x, int element, float step, Tensor gradient, UnaryOperator<Tensor> forward) {
        Tensor moved = Tensor.of(x.data().clone(), x.shape());
        moved.data()[element] += step;
        Tensor result = forward.apply(moved);
        double sum = 0;
        for (int i = 0; i < result.data().length; i++) {
            sum += (double) gradient.data()[i] * result.data()[i];
        }
        return sum;
    }

    @ParameterizedTest
    @EnumSource
    void activation(Activation activation) {
        Tensor x = random(ROWS, 40);
        for (int i = 0; i < x.data().length; i++) {
            // Not across the corner that RELU has at 0.
            x.data()[i] += Math.copySign(0.1f, x.data()[i]);
        }
        Tensor gradient = random(ROWS, 40);
        check(x, gradient, moved -> applied(activation, moved), activation.backward(x, gradient));
    }

    private static Tensor applied(Activation activation, Tensor x) {
        Tensor y = Tensor.of(x.data().clone(), x.shape());
        activation.apply(Kernels.get(), y.data(), 0, y.data().length);
        return y;
    }

    @Test
    void layerNorm() {
        Tensor x = random(ROWS, 11);
        Tensor gradient = random(ROWS, 11);
        LayerNorm norm = LayerNorm.withoutAffine(1e-5);
        check(x, gradient, norm::forward, norm.backward(x, gradient));
    }

    @Test
    void linear() {
        WeightMemory memory = new WeightMemory();
        try {
            Linear linear = new Linear(
                    WeightMatrix.of(memory, random(7, 5).data(), 7, 5),
                    random(7).data());
            Tensor gradient = random(1, ROWS, 7);
            check(random(1, ROWS, 5), gradient, linear::forward, linear.backward(gradient));
        } finally {
            memory.close();
        }
    }

    @Test
    void attention() {
        int heads = 2;
        int width = 6;
        ScaledDotProductAttention attention = new ScaledDotProductAttention(heads, width / heads, 0.7);
        Tensor q = random(ROWS, width);
        Tensor k = random(5, width);
        Tensor v = random(5, width);
        Tensor gradient = random(ROWS, width);
        List<Tensor> probabilities = new ArrayList<>();
        forward(attention, q, k, v, probabilities);
        ScaledDotProductAttention.Gradients by =
                attention.backward(q, k, v, probabilities.get(0).reshape(heads, ROWS, 5), gradient);
        check(q, gradient, moved -> forward(attention, moved, k, v, new ArrayList<>()), by.q());
        check(k, gradient, moved -> forward(attention, q, moved, v, new ArrayList<>()), by.k());
        check(v, gradient, moved -> forward(attention, q, k, moved, new ArrayList<>()), by.v());
    }

    private static Tensor forward(
            ScaledDotProductAttention attention, Tensor q, Tensor k, Tensor v, List<Tensor> probabilities) {
        Spans keys = Spans.padded(1, k.rows());
        return attention.forward(
                HeadRows.of(q, Spans.padded(1, q.rows())),
                HeadRows.of(k, keys),
                HeadRows.of(v, keys),
                AttentionBias.NONE,
                probabilities::add);
    }
}
