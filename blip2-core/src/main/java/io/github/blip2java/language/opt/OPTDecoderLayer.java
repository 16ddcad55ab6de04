/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.opt;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Activation;
import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.LayerNorm;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.KeyValueCache;

/**
 * x += attention(norm(x)); x += fc2(act(fc1(norm(x)))) — or, in the 350m variant, each norm after its sum.
 *
 * <p>{@code [rows, hidden]} in and out. Keys: {@code self_attn.*}, {@code self_attn_layer_norm.*}, {@code fc1.*},
 * {@code fc2.*}, {@code final_layer_norm.*}. Reference: {@code OPTDecoderLayer}.
 */
final class OPTDecoderLayer {
    private final boolean normBefore;
    private final OPTAttention selfAttn;
    private final LayerNorm selfAttnLayerNorm;
    private final Linear fc1;
    private final Linear fc2;
    private final Activation activation;
    private final LayerNorm finalLayerNorm;

    OPTDecoderLayer(OPTConfig config, int index, WeightScope weights) {
        int hidden = config.hiddenSize();
        this.normBefore = config.doLayerNormBefore();
        this.selfAttn = new OPTAttention(config, index, weights.at("self_attn"));
        this.selfAttnLayerNorm = OPTDecoder.norm(config, weights.at("self_attn_layer_norm"));
        this.fc1 = new Linear(hidden, config.ffnDim(), config.enableBias(), weights.at("fc1"));
        this.fc2 = new Linear(config.ffnDim(), hidden, config.enableBias(), weights.at("fc2"));
        this.activation = Activation.of(config.activationFunction());
        this.finalLayerNorm = OPTDecoder.norm(config, weights.at("final_layer_norm"));
    }

    Tensor forward(Tensor hiddenStates, Spans spans, AttentionBias mask, KeyValueCache cache, Trace trace) {
        if (normBefore) {
            Tensor normed = selfAttnLayerNorm.forward(hiddenStates);
            Tensor x = Elementwise.add(hiddenStates, selfAttn.forward(normed, spans, mask, cache, trace));
            return Elementwise.add(x, fc2.forward(fc1.forward(finalLayerNorm.forward(x), activation)));
        }
        Tensor attended = selfAttn.forward(hiddenStates, spans, mask, cache, trace);
        Tensor x = selfAttnLayerNorm.forward(Elementwise.add(hiddenStates, attended));
        return finalLayerNorm.forward(Elementwise.add(x, fc2.forward(fc1.forward(x, activation))));
    }
}
