/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * output(attention(x, source), x).
 *
 * <p>{@code [batch, seq, hidden]} in and out. Keys: {@code attention.*}, {@code output.*}. Reference:
 * {@code Blip2QFormerAttention}.
 */
final class Blip2QFormerAttention {
    private final Blip2QFormerMultiHeadAttention attention;
    private final Blip2QFormerSelfOutput output;

    Blip2QFormerAttention(Blip2QFormerConfig config, int sourceWidth, WeightScope weights) {
        this.attention = new Blip2QFormerMultiHeadAttention(config, sourceWidth, weights.at("attention"));
        this.output = new Blip2QFormerSelfOutput(config, config.hiddenSize(), weights.at("output"));
    }

    /** Among the positions of each sequence. */
    Tensor forward(Tensor hiddenStates, AttentionBias mask, Consumer<Tensor> attentions) {
        return output.forward(
                attention.forward(hiddenStates, hiddenStates, rows(hiddenStates), mask, attentions), hiddenStates);
    }

    /** To the rows of an image. */
    Tensor forward(Tensor hiddenStates, Tensor image, Spans imageRows, Consumer<Tensor> attentions) {
        return output.forward(
                attention.forward(hiddenStates, image, imageRows, AttentionBias.NONE, attentions), hiddenStates);
    }

    /** Derivatives by the result → derivatives by the hidden states, among the positions of one sequence. */
    Tensor backward(Tensor hiddenStates, AttentionBias mask, Tensor gradient) {
        List<Tensor> probabilities = new ArrayList<>(1);
        Tensor context = attention.forward(hiddenStates, hiddenStates, rows(hiddenStates), mask, probabilities::add);
        Tensor residual = output.backward(context, hiddenStates, gradient);
        Blip2QFormerMultiHeadAttention.Gradients by =
                attention.backward(hiddenStates, hiddenStates, probabilities.get(0), output.throughDense(residual));
        return Elementwise.add(residual, Elementwise.add(by.hiddenStates(), attention.source(by)));
    }

    /** The same to the rows of one image, which itself is not followed further; hears of the attention to it. */
    Tensor backward(Tensor hiddenStates, Tensor image, Tensor gradient, Consumer<AttentionGradient> looks) {
        List<Tensor> probabilities = new ArrayList<>(1);
        Tensor context = attention.forward(hiddenStates, image, rows(image), AttentionBias.NONE, probabilities::add);
        Tensor residual = output.backward(context, hiddenStates, gradient);
        Blip2QFormerMultiHeadAttention.Gradients by =
                attention.backward(hiddenStates, image, probabilities.get(0), output.throughDense(residual));
        looks.accept(new AttentionGradient(
                probabilities.get(0).reshape(by.probabilities().shape()), by.probabilities()));
        return Elementwise.add(residual, by.hiddenStates());
    }

    private static Spans rows(Tensor sequences) {
        return Spans.padded(sequences.dim(0), sequences.dim(1));
    }
}
