/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.vision;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Activation;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * fc2(act(fc1(x))).
 *
 * <p>{@code [..., hidden]} in and out. Keys: {@code fc1.*} {@code [intermediate, hidden]}, {@code fc2.*}
 * {@code [hidden, intermediate]}. Reference: {@code Blip2MLP}.
 */
final class Blip2MLP {
    private final Activation activation;
    private final Linear fc1;
    private final Linear fc2;

    Blip2MLP(Blip2VisionConfig config, WeightScope weights) {
        this.activation = Activation.of(config.hiddenAct());
        this.fc1 = new Linear(config.hiddenSize(), config.intermediateSize(), true, weights.at("fc1"));
        this.fc2 = new Linear(config.intermediateSize(), config.hiddenSize(), true, weights.at("fc2"));
    }

    Tensor forward(Tensor hiddenStates) {
        return fc2.forward(fc1.forward(hiddenStates, activation));
    }
}
