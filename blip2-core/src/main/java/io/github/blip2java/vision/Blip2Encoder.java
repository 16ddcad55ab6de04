/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.vision;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The stack of layers.
 *
 * <p>{@code [batch, positions, hidden]} in and out. Keys: {@code layers.N.*}. Reference: {@code Blip2Encoder}.
 */
final class Blip2Encoder {
    private final List<Blip2EncoderLayer> layers;

    Blip2Encoder(Blip2VisionConfig config, WeightScope weights) {
        this.layers = IntStream.range(0, config.numHiddenLayers())
                .mapToObj(
                        i -> new Blip2EncoderLayer(config, weights.at("layers").at(i)))
                .toList();
    }

    Tensor forward(Tensor hiddenStates, Trace trace) {
        Tensor x = hiddenStates;
        for (Blip2EncoderLayer layer : layers) {
            x = trace.layer(x, before -> layer.forward(before, trace));
        }
        trace.hiddenState(x);
        return x;
    }
}
