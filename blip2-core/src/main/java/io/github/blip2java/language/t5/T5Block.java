/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.t5;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.HeadRows;
import io.github.blip2java.internal.nn.RmsNorm;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.KeyValueCache;
import java.util.List;

/**
 * x += self_attention(norm(x)); in the decoder x += cross_attention(norm(x), encoder); x += feed_forward(norm(x)).
 *
 * <p>{@code [rows, dModel]} in and out. Keys: {@code layer.0.SelfAttention.*}, {@code layer.0.layer_norm.weight}; in the
 * decoder {@code layer.1.EncDecAttention.*}, {@code layer.1.layer_norm.weight}; the feed-forward is the last layer.
 * Reference: {@code T5Block}, {@code T5LayerSelfAttention}, {@code T5LayerCrossAttention}.
 */
final class T5Block {
    private final int index;
    private final RmsNorm selfNorm;
    private final T5Attention selfAttention;
    private final RmsNorm crossNorm;
    private final T5Attention encDecAttention;
    private final T5LayerFF feedForward;

    T5Block(T5Config config, int index, boolean decoder, WeightScope weights) {
        WeightScope layers = weights.at("layer");
        this.index = index;
        this.selfNorm = norm(config, layers.at(0));
        this.selfAttention = new T5Attention(config, layers.at(0).at("SelfAttention"));
        this.crossNorm = decoder ? norm(config, layers.at(1)) : null;
        this.encDecAttention = decoder ? new T5Attention(config, layers.at(1).at("EncDecAttention")) : null;
        this.feedForward = new T5LayerFF(config, layers.at(decoder ? 2 : 1));
    }

    private static RmsNorm norm(T5Config config, WeightScope layer) {
        return new RmsNorm(config.dModel(), config.layerNormEpsilon(), layer.at("layer_norm"));
    }

    void appendCrossKeysAndValues(int layer, Tensor encoderHiddenStates, Spans spans, KeyValueCache cross) {
        List<Tensor> projected = encDecAttention.keysAndValues(encoderHiddenStates);
        cross.append(layer, projected.get(0), projected.get(1), spans);
    }

    Tensor encode(Tensor hiddenStates, Spans spans, AttentionBias bias, Trace trace) {
        Tensor normed = selfNorm.forward(hiddenStates);
        List<Tensor> projected = selfAttention.keysAndValues(normed);
        HeadRows keys = HeadRows.of(projected.get(0), spans);
        HeadRows values = HeadRows.of(projected.get(1), spans);
        Tensor attended = selfAttention.forward(normed, spans, keys, values, bias, trace.onAttention());
        return feedForward.forward(Elementwise.add(hiddenStates, attended));
    }

    Tensor decode(
            Tensor hiddenStates,
            Spans spans,
            AttentionBias bias,
            AttentionBias crossBias,
            KeyValueCache self,
            KeyValueCache cross,
            Trace trace) {
        Tensor normed = selfNorm.forward(hiddenStates);
        List<Tensor> projected = selfAttention.keysAndValues(normed);
        self.append(index, projected.get(0), projected.get(1), spans);
        Tensor attended = selfAttention.forward(
                normed, spans, self.keys(index, spans), self.values(index, spans), bias, trace.onAttention());
        Tensor x = Elementwise.add(hiddenStates, attended);

        Tensor looked = encDecAttention.forward(
                crossNorm.forward(x),
                spans,
                cross.keys(index),
                cross.values(index),
                crossBias,
                trace.onCrossAttention());
        return feedForward.forward(Elementwise.add(x, looked));
    }
}
