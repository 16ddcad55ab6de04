/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.vision;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.LayerNorm;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * x += attention(norm1(x)); x += mlp(norm2(x)).
 *
 * <p>{@code [batch, positions, hidden]} in and out. Keys: {@code layer_norm1.*}, {@code self_attn.*},
 * {@code layer_norm2.*}, {@code mlp.*}. Reference: {@code Blip2EncoderLayer}.
 */
final class Blip2EncoderLayer {
    private final LayerNorm layerNorm1;
    private final Blip2Attention selfAttn;
    private final LayerNorm layerNorm2;
    private final Blip2MLP mlp;

    Blip2EncoderLayer(Blip2VisionConfig config, WeightScope weights) {
        this.layerNorm1 = new LayerNorm(config.hiddenSize(), config.layerNormEps(), weights.at("layer_norm1"));
        this.selfAttn = new Blip2Attention(config, weights.at("self_attn"));
        this.layerNorm2 = new LayerNorm(config.hiddenSize(), config.layerNormEps(), weights.at("layer_norm2"));
        this.mlp = new Blip2MLP(config, weights.at("mlp"));
    }

    Tensor forward(Tensor hiddenStates, Trace trace) {
        Tensor x = Elementwise.add(hiddenStates, selfAttn.forward(layerNorm1.forward(hiddenStates), trace));
        return Elementwise.add(x, mlp.forward(layerNorm2.forward(x)));
    }
}
