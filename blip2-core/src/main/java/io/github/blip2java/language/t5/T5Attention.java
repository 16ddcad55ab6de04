/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.t5;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.nn.HeadRows;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.nn.ScaledDotProductAttention;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.List;
import java.util.function.Consumer;

/**
 * o(softmax(Q · Kᵀ + bias) · V), without scaling and without biases in the projections.
 *
 * <p>{@code [rows, dModel]} in and out, {@code [rows, heads * dKv]} between. Keys: {@code q.weight}, {@code k.weight},
 * {@code v.weight}, {@code o.weight}. Reference: {@code T5Attention}.
 */
final class T5Attention {
    private final Linear q;
    private final Linear k;
    private final Linear v;
    private final Linear o;
    private final ScaledDotProductAttention attention;

    T5Attention(T5Config config, WeightScope weights) {
        int inner = config.numHeads() * config.dKv();
        this.q = new Linear(config.dModel(), inner, false, weights.at("q"));
        this.k = new Linear(config.dModel(), inner, false, weights.at("k"));
        this.v = new Linear(config.dModel(), inner, false, weights.at("v"));
        this.o = new Linear(inner, config.dModel(), false, weights.at("o"));
        // Reference: T5 folds 1/√dKv into its weights.
        this.attention = new ScaledDotProductAttention(config.numHeads(), config.dKv(), 1);
    }

    /** {@code [rows, heads * dKv]} each. */
    List<Tensor> keysAndValues(Tensor source) {
        return Linear.forward(source, k, v);
    }

    Tensor forward(
            Tensor hiddenStates,
            Spans spans,
            HeadRows keys,
            HeadRows values,
            AttentionBias bias,
            Consumer<Tensor> attentions) {
        HeadRows queries = HeadRows.of(q.forward(hiddenStates), spans);
        return o.forward(attention.forward(queries, keys, values, bias, attentions));
    }
}
