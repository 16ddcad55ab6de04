/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
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
        Spans rows = Spans.padded(hiddenStates.dim(0), hiddenStates.dim(1));
        return output.forward(attention.forward(hiddenStates, hiddenStates, rows, mask, attentions), hiddenStates);
    }

    /** To the rows of an image. */
    Tensor forward(Tensor hiddenStates, Tensor image, Spans imageRows, Consumer<Tensor> attentions) {
        return output.forward(
                attention.forward(hiddenStates, image, imageRows, AttentionBias.NONE, attentions), hiddenStates);
    }
}
