/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.t5;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.nn.RmsNorm;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.KeyValueCache;
import java.util.List;
import java.util.stream.IntStream;

/**
 * final_layer_norm(blocks(embeddings)): the encoder, or the decoder, which also reads the encoder's output.
 *
 * <p>{@code [rows, dModel]} in and out. Keys: {@code block.N.*}, {@code final_layer_norm.weight}, and the relative
 * position bias inside block 0. Reference: {@code T5Stack}.
 */
final class T5Stack {
    private final List<T5Block> block;
    private final RmsNorm finalLayerNorm;
    private final T5RelativePositionBias relativeAttentionBias;

    T5Stack(T5Config config, boolean decoder, WeightScope weights) {
        int layers = decoder ? config.numDecoderLayers() : config.numLayers();
        this.block = IntStream.range(0, layers)
                .mapToObj(
                        i -> new T5Block(config, i, decoder, weights.at("block").at(i)))
                .toList();
        this.finalLayerNorm = new RmsNorm(config.dModel(), config.layerNormEpsilon(), weights.at("final_layer_norm"));
        WeightScope first = weights.at("block").at(0).at("layer").at(0).at("SelfAttention");
        this.relativeAttentionBias = new T5RelativePositionBias(config, !decoder, first.at("relative_attention_bias"));
    }

    /**
     * Encodes: every row sees every kept row of its sequence.
     *
     * @param embeds  {@code [rows, dModel]}
     * @param spans   the rows of each sequence
     * @param columns the position of each row in its sequence
     * @param keep    {@code [batch, seq]} with 0 = padding, or null
     * @param trace   collects hidden states and attentions
     * @return {@code [rows, dModel]}
     */
    Tensor encode(Tensor embeds, Spans spans, int[] columns, long[][] keep, Trace trace) {
        AttentionBias bias = relativeAttentionBias
                .forPositions(new T5RelativePositionBias.Positions() {
                    @Override
                    public int ofQuery(int sequence, int row) {
                        return columns[spans.start(sequence) + row];
                    }

                    @Override
                    public int ofKey(int sequence, int row) {
                        return columns[spans.start(sequence) + row];
                    }
                })
                .hiding(keep);
        Tensor x = embeds;
        for (T5Block each : block) {
            x = trace.layer(x, before -> each.encode(before, spans, bias, trace));
        }
        x = finalLayerNorm.forward(x);
        trace.hiddenState(x);
        return x;
    }

    /**
     * Computes every layer's keys and values of an encoder output, once for all tokens to come.
     *
     * @param encoderHiddenStates {@code [rows, dModel]}
     * @param spans               the rows of each sequence
     * @return a cache that is only read from here on
     */
    KeyValueCache crossKeysAndValues(Tensor encoderHiddenStates, Spans spans, int width) {
        KeyValueCache cross = new KeyValueCache(block.size(), spans.batch(), spans.longest(), width);
        for (int i = 0; i < block.size(); i++) {
            block.get(i).appendCrossKeysAndValues(i, encoderHiddenStates, spans, cross);
        }
        cross.advance(spans);
        return cross;
    }

    /**
     * Decodes new rows: each sees its past, itself, and the encoder's output.
     *
     * @param embeds    {@code [rows, dModel]}
     * @param spans     the new rows of each sequence
     * @param keep      {@code [batch, keys]} with 0 = padding among the decoder's own rows, or null
     * @param crossKeep {@code [batch, seq]} with 0 = padding in the encoder's output, or null
     * @param self      the past; the new rows are added to it
     * @param cross     what {@link #crossKeysAndValues} returned
     * @param trace     collects hidden states and attentions
     * @return {@code [rows, dModel]}
     */
    Tensor decode(
            Tensor embeds,
            Spans spans,
            long[][] keep,
            long[][] crossKeep,
            KeyValueCache self,
            KeyValueCache cross,
            Trace trace) {
        int[] past = self.lengths();
        AttentionBias bias = relativeAttentionBias
                .forPositions(new T5RelativePositionBias.Positions() {
                    @Override
                    public int ofQuery(int sequence, int row) {
                        return past[sequence] + row;
                    }

                    @Override
                    public int ofKey(int sequence, int row) {
                        return row;
                    }
                })
                .hiding(keep);
        AttentionBias crossBias = AttentionBias.NONE.hiding(crossKeep);
        Tensor x = embeds;
        for (T5Block each : block) {
            x = trace.layer(x, before -> each.decode(before, spans, bias, crossBias, self, cross, trace));
        }
        self.advance(spans);
        x = finalLayerNorm.forward(x);
        trace.hiddenState(x);
        return x;
    }
}
