/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.opt;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.nn.HeadRows;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.nn.ScaledDotProductAttention;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.KeyValueCache;
import java.util.List;

/**
 * out_proj(softmax(Q · Kᵀ / √headDim + mask) · V), with the keys and values of earlier positions from the cache.
 *
 * <p>{@code [rows, hidden]} in and out. Keys: {@code q_proj.*}, {@code k_proj.*}, {@code v_proj.*}, {@code out_proj.*}.
 * Reference: {@code OPTAttention}.
 */
final class OPTAttention {
    private final int layer;
    private final Linear qProj;
    private final Linear kProj;
    private final Linear vProj;
    private final Linear outProj;
    private final ScaledDotProductAttention attention;

    OPTAttention(OPTConfig config, int layer, WeightScope weights) {
        int hidden = config.hiddenSize();
        int headDim = hidden / config.numAttentionHeads();
        this.layer = layer;
        this.qProj = new Linear(hidden, hidden, config.enableBias(), weights.at("q_proj"));
        this.kProj = new Linear(hidden, hidden, config.enableBias(), weights.at("k_proj"));
        this.vProj = new Linear(hidden, hidden, config.enableBias(), weights.at("v_proj"));
        this.outProj = new Linear(hidden, hidden, config.enableBias(), weights.at("out_proj"));
        this.attention = new ScaledDotProductAttention(config.numAttentionHeads(), headDim, 1 / Math.sqrt(headDim));
    }

    Tensor forward(Tensor hiddenStates, Spans spans, AttentionBias mask, KeyValueCache cache, Trace trace) {
        List<Tensor> projected = Linear.forward(hiddenStates, qProj, kProj, vProj);
        HeadRows q = HeadRows.of(projected.get(0), spans);
        cache.append(layer, projected.get(1), projected.get(2), spans);
        Tensor context =
                attention.forward(q, cache.keys(layer, spans), cache.values(layer, spans), mask, trace.onAttention());
        return outProj.forward(context);
    }
}
