/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.t5;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Activation;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.nn.RmsNorm;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * x + wo(act(wi_0(norm(x))) · wi_1(norm(x))), or x + wo(act(wi(norm(x)))) where nothing is gated.
 *
 * <p>{@code [rows, dModel]} in and out. Keys: {@code layer_norm.weight}, {@code DenseReluDense.wi_0.weight} and
 * {@code wi_1.weight}, or {@code wi.weight}, {@code [dFf, dModel]}; {@code DenseReluDense.wo.weight}. Reference:
 * {@code T5LayerFF}, {@code T5DenseGatedActDense}, {@code T5DenseActDense}.
 */
final class T5LayerFF {
    private final RmsNorm layerNorm;
    private final Linear wi;
    private final Linear gate;
    private final Linear wo;
    private final Activation activation;

    T5LayerFF(T5Config config, WeightScope weights) {
        WeightScope dense = weights.at("DenseReluDense");
        this.layerNorm = new RmsNorm(config.dModel(), config.layerNormEpsilon(), weights.at("layer_norm"));
        this.wi = new Linear(config.dModel(), config.dFf(), false, dense.at(config.isGatedAct() ? "wi_0" : "wi"));
        this.gate = config.isGatedAct() ? new Linear(config.dModel(), config.dFf(), false, dense.at("wi_1")) : null;
        this.wo = new Linear(config.dFf(), config.dModel(), false, dense.at("wo"));
        this.activation = Activation.of(config.denseActFn());
    }

    Tensor forward(Tensor hiddenStates) {
        Tensor normed = layerNorm.forward(hiddenStates);
        Tensor inner = wi.forward(normed, activation); // [rows, dFf]
        Tensor gated = gate == null ? inner : Elementwise.multiply(inner, gate.forward(normed));
        return Elementwise.add(hiddenStates, wo.forward(gated));
    }
}
