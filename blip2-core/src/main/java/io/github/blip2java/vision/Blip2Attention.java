/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.vision;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.matrix.WeightMatrix;
import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.nn.HeadRows;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.nn.ScaledDotProductAttention;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;

/**
 * projection(softmax(Q · Kᵀ / √headDim) · V), where one product makes Q, K and V.
 *
 * <p>{@code [batch, positions, hidden]} in and out. Keys: {@code qkv.weight} {@code [3 * hidden, hidden]}, rows in the
 * order q, k, v; {@code qkv.bias} or, in the first conversions, {@code q_bias} and {@code v_bias} (the key has no bias);
 * {@code projection.*}. Reference: {@code Blip2Attention}.
 */
final class Blip2Attention {
    private final int hidden;
    private final Linear qkv;
    private final Linear projection;
    private final ScaledDotProductAttention attention;

    Blip2Attention(Blip2VisionConfig config, WeightScope weights) {
        int heads = config.numAttentionHeads();
        int headDim = config.hiddenSize() / heads;
        this.hidden = config.hiddenSize();
        this.qkv = new Linear(
                WeightMatrix.load(weights.at("qkv"), "weight", 3 * hidden, hidden), qkvBias(config, weights));
        this.projection = new Linear(hidden, hidden, true, weights.at("projection"));
        this.attention = new ScaledDotProductAttention(heads, headDim, 1 / Math.sqrt(headDim));
    }

    private static float[] qkvBias(Blip2VisionConfig config, WeightScope weights) {
        int hidden = config.hiddenSize();
        if (!config.qkvBias()) {
            return null;
        }
        if (!weights.contains("q_bias")) {
            return weights.at("qkv").floats("bias", 3 * hidden);
        }
        float[] bias = new float[3 * hidden];
        System.arraycopy(weights.floats("q_bias", hidden), 0, bias, 0, hidden);
        System.arraycopy(weights.floats("v_bias", hidden), 0, bias, 2 * hidden, hidden);
        return bias;
    }

    Tensor forward(Tensor hiddenStates, Trace trace) {
        Spans spans = Spans.padded(hiddenStates.dim(0), hiddenStates.dim(1));
        float[] mixed = qkv.forward(hiddenStates).data(); // [batch, positions, 3 * hidden]
        HeadRows q = new HeadRows(mixed, spans, 3 * hidden, 0);
        HeadRows k = new HeadRows(mixed, spans, 3 * hidden, hidden);
        HeadRows v = new HeadRows(mixed, spans, 3 * hidden, 2 * hidden);
        Tensor context = attention.forward(q, k, v, AttentionBias.NONE, trace.onAttention());
        return projection.forward(hiddenStates.withRows(context.data(), hidden));
    }
}
