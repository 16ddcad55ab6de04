/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.nn.Activation;
import io.github.blip2java.nn.Linear;
import io.github.blip2java.nn.Trace;
import io.github.blip2java.tensor.Tensor;
import io.github.blip2java.weights.WeightScope;

/**
 * x = attention(x); every {@code crossAttentionFrequency}-th layer: x = crossattention(x, image); x = output(act(dense(x)), x).
 *
 * <p>{@code [batch, queries, hidden]} in and out. Keys: {@code attention.*}, {@code crossattention.*},
 * {@code intermediate_query.dense.*}, {@code output_query.*}. Reference: {@code Blip2QFormerLayer}.
 */
final class Blip2QFormerLayer {
    private final Blip2QFormerAttention attention;
    private final Blip2QFormerAttention crossattention;
    private final Linear intermediateQuery;
    private final Activation activation;
    private final Blip2QFormerSelfOutput outputQuery;

    Blip2QFormerLayer(Blip2QFormerConfig config, int index, WeightScope weights) {
        this.attention = new Blip2QFormerAttention(config, config.hiddenSize(), weights.at("attention"));
        this.crossattention = index % config.crossAttentionFrequency() == 0
                ? new Blip2QFormerAttention(config, config.encoderHiddenSize(), weights.at("crossattention"))
                : null;
        this.intermediateQuery = new Linear(
                config.hiddenSize(),
                config.intermediateSize(),
                true,
                weights.at("intermediate_query").at("dense"));
        this.activation = Activation.of(config.hiddenAct());
        this.outputQuery = new Blip2QFormerSelfOutput(config, config.intermediateSize(), weights.at("output_query"));
    }

    Tensor forward(Tensor hiddenStates, Tensor imageEmbeds, Trace trace) {
        Tensor x = attention.forward(hiddenStates, hiddenStates, trace.onAttention());
        if (crossattention != null) {
            x = crossattention.forward(x, imageEmbeds, trace.onCrossAttention());
        }
        return outputQuery.forward(intermediateQuery.forward(x, activation), x);
    }
}
