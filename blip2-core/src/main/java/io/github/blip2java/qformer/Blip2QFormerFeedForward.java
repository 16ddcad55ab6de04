/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Activation;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * output(act(intermediate(x)), x).
 *
 * <p>{@code [batch, seq, hidden]} in and out. Keys: {@code intermediate.dense.*} and {@code output.*} for texts,
 * {@code intermediate_query.dense.*} and {@code output_query.*} for queries. Reference: {@code feed_forward_chunk} and
 * {@code feed_forward_chunk_query} of {@code Blip2QFormerLayer}.
 */
final class Blip2QFormerFeedForward {
    private final Linear intermediate;
    private final Activation activation;
    private final Blip2QFormerSelfOutput output;

    /**
     * Loads one of a layer's two.
     *
     * @param suffix  {@code _query}, or empty for that of texts
     * @param weights the layer's scope
     */
    Blip2QFormerFeedForward(Blip2QFormerConfig config, String suffix, WeightScope weights) {
        WeightScope up = weights.at("intermediate" + suffix).at("dense");
        this.intermediate = new Linear(config.hiddenSize(), config.intermediateSize(), true, up);
        this.activation = Activation.of(config.hiddenAct());
        this.output = new Blip2QFormerSelfOutput(config, config.intermediateSize(), weights.at("output" + suffix));
    }

    Tensor forward(Tensor hiddenStates) {
        return output.forward(intermediate.forward(hiddenStates, activation), hiddenStates);
    }

    /** Derivatives by the result → derivatives by the hidden states. */
    Tensor backward(Tensor hiddenStates, Tensor gradient) {
        Tensor inner = intermediate.forward(hiddenStates);
        Tensor residual = output.backward(intermediate.forward(hiddenStates, activation), hiddenStates, gradient);
        Tensor by = activation.backward(inner, output.throughDense(residual));
        return Elementwise.add(residual, intermediate.backward(by));
    }
}
