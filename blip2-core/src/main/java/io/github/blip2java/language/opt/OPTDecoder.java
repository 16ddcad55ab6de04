/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.opt;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.Embedding;
import io.github.blip2java.internal.nn.LayerNorm;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.KeyValueCache;
import java.util.List;
import java.util.stream.IntStream;

/**
 * project_out(final_layer_norm(layers(project_in(embeddings) + positions))).
 *
 * <p>{@code [rows, embedding width]} in and out. Keys: {@code embed_tokens.weight}, {@code embed_positions.weight}
 * {@code [maxPositionEmbeddings + 2, hidden]}, {@code project_in.weight} and {@code project_out.weight} where the
 * embedding is narrower than the model, {@code layers.N.*}, {@code final_layer_norm.*}. Reference: {@code OPTDecoder}.
 */
final class OPTDecoder {
    /** Reference: OPT's position table starts with two rows that no real token uses. */
    static final int POSITION_OFFSET = 2;

    private static final double LAYER_NORM_EPS = 1e-5;

    private final Embedding embedTokens;
    private final Embedding embedPositions;
    private final Linear projectIn;
    private final Linear projectOut;
    private final List<OPTDecoderLayer> layers;
    private final LayerNorm finalLayerNorm;

    OPTDecoder(OPTConfig config, WeightScope weights) {
        int hidden = config.hiddenSize();
        int width = config.wordEmbedProjDim();
        this.embedTokens = new Embedding(config.vocabSize(), width, weights.at("embed_tokens"));
        this.embedPositions =
                new Embedding(config.maxPositionEmbeddings() + POSITION_OFFSET, hidden, weights.at("embed_positions"));
        this.projectIn = width == hidden ? null : new Linear(width, hidden, false, weights.at("project_in"));
        this.projectOut = width == hidden ? null : new Linear(hidden, width, false, weights.at("project_out"));
        this.layers = IntStream.range(0, config.numHiddenLayers())
                .mapToObj(
                        i -> new OPTDecoderLayer(config, i, weights.at("layers").at(i)))
                .toList();
        this.finalLayerNorm = config.doLayerNormBefore() && !config.removeFinalLayerNorm()
                ? norm(config, weights.at("final_layer_norm"))
                : null;
    }

    static LayerNorm norm(OPTConfig config, WeightScope weights) {
        return config.layerNormElementwiseAffine()
                ? new LayerNorm(config.hiddenSize(), LAYER_NORM_EPS, weights)
                : LayerNorm.withoutAffine(LAYER_NORM_EPS);
    }

    Embedding embedTokens() {
        return embedTokens;
    }

    /**
     * Runs new rows through the stack.
     *
     * @param embeds    {@code [rows, embedding width]}
     * @param spans     the new rows of each sequence
     * @param positions the place of each row among its sequence's real tokens, -1 for padding
     * @param keep      {@code [batch, keys]} with 0 = padding, or null
     * @param cache     the past; the new rows are added to it
     * @param trace     collects hidden states and attentions
     * @return {@code [rows, embedding width]}
     */
    Tensor forward(Tensor embeds, Spans spans, int[] positions, long[][] keep, KeyValueCache cache, Trace trace) {
        Tensor projected = projectIn == null ? embeds : projectIn.forward(embeds);
        int[] places = IntStream.of(positions).map(p -> p + POSITION_OFFSET).toArray();
        Tensor x = Elementwise.add(projected, embedPositions.forward(places)); // [rows, hidden]
        AttentionBias mask = AttentionBias.causal(cache.lengths()).hiding(keep);
        for (OPTDecoderLayer layer : layers) {
            x = trace.layer(x, before -> layer.forward(before, spans, mask, cache, trace));
        }
        cache.advance(spans);
        x = finalLayerNorm == null ? x : finalLayerNorm.forward(x);
        x = projectOut == null ? x : projectOut.forward(x);
        trace.hiddenState(x);
        return x;
    }
}
