/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.LayerNorm;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * LayerNorm(dense(x) + residual), the end of every BERT sub-layer.
 *
 * <p>{@code [..., in]} and {@code [..., hidden]} → {@code [..., hidden]}. Keys: {@code dense.*}, {@code LayerNorm.*}.
 * Reference: {@code Blip2QFormerSelfOutput}, and {@code Blip2QFormerOutput}, which computes the same.
 */
final class Blip2QFormerSelfOutput {
    private final Linear dense;
    private final LayerNorm layerNorm;

    Blip2QFormerSelfOutput(Blip2QFormerConfig config, int in, WeightScope weights) {
        this.dense = new Linear(in, config.hiddenSize(), true, weights.at("dense"));
        this.layerNorm = new LayerNorm(config.hiddenSize(), config.layerNormEps(), weights.at("LayerNorm"));
    }

    Tensor forward(Tensor hiddenStates, Tensor residual) {
        return layerNorm.forward(Elementwise.add(residual, dense.forward(hiddenStates)));
    }

    /** Derivatives by the residual, of which those by the hidden states are {@link #throughDense}. */
    Tensor backward(Tensor hiddenStates, Tensor residual, Tensor gradient) {
        return layerNorm.backward(Elementwise.add(residual, dense.forward(hiddenStates)), gradient);
    }

    Tensor throughDense(Tensor gradient) {
        return dense.backward(gradient);
    }
}
