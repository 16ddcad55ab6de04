/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.function.Consumer;

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

    /**
     * Carries derivatives of a score from the result back, for one sequence of queries and text that looks at one image.
     *
     * @param hiddenStates what {@link #forward} was given, {@code [1, seq, hidden]}
     * @param gradient     derivatives by its result, of the same shape
     * @param looks        hears of the attention to the image, where this layer looks at it
     * @return derivatives by the hidden states
     */
    Tensor backward(
            Tensor hiddenStates, Blip2QFormerInputs inputs, Tensor gradient, Consumer<AttentionGradient> looks) {
        Tensor x = attention.forward(hiddenStates, inputs.mask(), null);
        int queries = inputs.queryLength();
        int seq = x.dim(1);
        Tensor byQueries = byQueries(x.positions(0, queries), inputs, gradient.positions(0, queries), looks);
        Tensor byText = textFeedForward.backward(x.positions(queries, seq), gradient.positions(queries, seq));
        return attention.backward(hiddenStates, inputs.mask(), byQueries.followedBy(byText));
    }

    private Tensor byQueries(
            Tensor queries, Blip2QFormerInputs inputs, Tensor gradient, Consumer<AttentionGradient> looks) {
        if (crossattention == null) {
            return queryFeedForward.backward(queries, gradient);
        }
        Tensor x = crossattention.forward(queries, inputs.imageEmbeds(), inputs.images(), null);
        return crossattention.backward(queries, inputs.imageEmbeds(), queryFeedForward.backward(x, gradient), looks);
    }
}
