/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * x = attention(x); queries, in every {@code crossAttentionFrequency}-th layer: x = crossattention(x, image); queries and text
 * then each through a feed-forward of their own.
 *
 * <p>{@code [batch, seq, hidden]} in and out. Keys: {@code attention.*}, {@code crossattention.*},
 * {@code intermediate_query.dense.*}, {@code output_query.*}, and with {@code use_qformer_text_input}
 * {@code intermediate.dense.*}, {@code output.*}. Reference: {@code Blip2QFormerLayer}.
 */
final class Blip2QFormerLayer {
    private final Blip2QFormerAttention attention;
    private final Blip2QFormerAttention crossattention;
    private final Blip2QFormerFeedForward queryFeedForward;
    private final Blip2QFormerFeedForward textFeedForward;

    Blip2QFormerLayer(Blip2QFormerConfig config, int index, WeightScope weights) {
        this.attention = new Blip2QFormerAttention(config, config.hiddenSize(), weights.at("attention"));
        this.crossattention = index % config.crossAttentionFrequency() == 0
                ? new Blip2QFormerAttention(config, config.encoderHiddenSize(), weights.at("crossattention"))
                : null;
        this.queryFeedForward = new Blip2QFormerFeedForward(config, "_query", weights);
        this.textFeedForward = config.useQformerTextInput() ? new Blip2QFormerFeedForward(config, "", weights) : null;
    }

    Tensor forward(Tensor hiddenStates, Blip2QFormerInputs inputs, Trace trace) {
        Tensor x = attention.forward(hiddenStates, inputs.mask(), trace.onAttention());
        int queries = inputs.queryLength();
        int seq = x.dim(1);
        if (queries == seq) {
            return readImage(x, inputs, trace);
        }
        Tensor text = textFeedForward.forward(queries == 0 ? x : x.positions(queries, seq));
        return queries == 0
                ? text
                : readImage(x.positions(0, queries), inputs, trace).followedBy(text);
    }

    private Tensor readImage(Tensor queries, Blip2QFormerInputs inputs, Trace trace) {
        Tensor x = crossattention == null
                ? queries
                : crossattention.forward(queries, inputs.imageEmbeds(), inputs.images(), trace.onCrossAttention());
        return queryFeedForward.forward(x);
    }
}
