/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.HeadRows;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.nn.ScaledDotProductAttention;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.List;
import java.util.function.Consumer;

/**
 * softmax(Q · Kᵀ / √headDim + mask) · V, with keys and values from the positions themselves or from the image.
 *
 * <p>{@code [batch, seq, hidden]} and a source {@code [images, positions, source width]}, of which each sequence sees its rows →
 * {@code [batch, seq, hidden]}. Keys: {@code query.*}, {@code key.*}, {@code value.*}. Reference:
 * {@code Blip2QFormerMultiHeadAttention}.
 */
final class Blip2QFormerMultiHeadAttention {
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final ScaledDotProductAttention attention;

    Blip2QFormerMultiHeadAttention(Blip2QFormerConfig config, int sourceWidth, WeightScope weights) {
        int hidden = config.hiddenSize();
        int headDim = hidden / config.numAttentionHeads();
        this.query = new Linear(hidden, hidden, true, weights.at("query"));
        this.key = new Linear(sourceWidth, hidden, true, weights.at("key"));
        this.value = new Linear(sourceWidth, hidden, true, weights.at("value"));
        this.attention = new ScaledDotProductAttention(config.numAttentionHeads(), headDim, 1 / Math.sqrt(headDim));
    }

    Tensor forward(
            Tensor hiddenStates, Tensor source, Spans sourceRows, AttentionBias mask, Consumer<Tensor> attentions) {
        Spans rows = Spans.padded(hiddenStates.dim(0), hiddenStates.dim(1));
        HeadRows q = HeadRows.of(query.forward(hiddenStates), rows);
        List<Tensor> projected = Linear.forward(source, key, value);
        HeadRows k = HeadRows.of(projected.get(0), sourceRows);
        HeadRows v = HeadRows.of(projected.get(1), sourceRows);
        Tensor context = attention.forward(q, k, v, mask, attentions);
        return hiddenStates.withRows(context.data(), context.cols());
    }

    /**
     * Carries derivatives from the result back, for one sequence.
     *
     * @param probabilities {@code [1, heads, seq, positions]}, as {@link #forward} gave them
     * @param gradient      derivatives by its result {@code [1, seq, hidden]}
     */
    Gradients backward(Tensor hiddenStates, Tensor source, Tensor probabilities, Tensor gradient) {
        ScaledDotProductAttention.Gradients by = attention.backward(
                query.forward(hiddenStates), key.forward(source), value.forward(source), probabilities, gradient);
        return new Gradients(query.backward(by.q()), by.k(), by.v(), by.probabilities());
    }

    /** Derivatives by the hidden states through the queries, and by keys, values and probabilities. */
    record Gradients(Tensor hiddenStates, Tensor keys, Tensor values, Tensor probabilities) {}

    /** What the derivatives by keys and values come to for what they were made of. */
    Tensor source(Gradients by) {
        return Elementwise.add(key.backward(by.keys()), value.backward(by.values()));
    }
}
