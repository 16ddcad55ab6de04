/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * The stack of layers.
 *
 * <p>{@code [batch, seq, hidden]} in and out. Keys: {@code layer.N.*}. Reference: {@code Blip2QFormerEncoder}.
 */
final class Blip2QFormerEncoder {
    private final List<Blip2QFormerLayer> layer;

    Blip2QFormerEncoder(Blip2QFormerConfig config, WeightScope weights) {
        this.layer = IntStream.range(0, config.numHiddenLayers())
                .mapToObj(i ->
                        new Blip2QFormerLayer(config, i, weights.at("layer").at(i)))
                .toList();
    }

    Tensor forward(Tensor hiddenStates, Blip2QFormerInputs inputs, Trace trace) {
        Tensor x = hiddenStates;
        for (Blip2QFormerLayer each : layer) {
            x = trace.layer(x, before -> each.forward(before, inputs, trace));
        }
        trace.hiddenState(x);
        return x;
    }

    /** From the last layer to the first, given what each was given; hears of them in this order. */
    void backward(
            List<Tensor> hiddenStates, Blip2QFormerInputs inputs, Tensor gradient, Consumer<AttentionGradient> looks) {
        Tensor by = gradient;
        for (int i = layer.size() - 1; i >= 0; i--) {
            by = layer.get(i).backward(hiddenStates.get(i), inputs, by, looks);
        }
    }
}
