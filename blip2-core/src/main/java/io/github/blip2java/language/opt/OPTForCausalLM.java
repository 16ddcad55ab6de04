/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.opt;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.language.CachedDecoderState;
import io.github.blip2java.language.DecoderState;
import io.github.blip2java.language.KeyValueCache;
import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.language.LanguageModelInputs;
import io.github.blip2java.language.LanguageModelOutput;
import io.github.blip2java.language.Prompt;
import io.github.blip2java.language.TokenIds;
import java.util.List;

/**
 * OPT: lm_head(decoder(embeddings)) (Zhang et al. 2022, arXiv 2205.01068).
 *
 * <p>{@code [batch, seq, width]} → logits {@code [batch, seq, vocab]}. Keys: {@code model.decoder.*},
 * {@code lm_head.weight}, which is the embedding table where it is absent. Reference: {@code OPTForCausalLM}.
 */
public final class OPTForCausalLM implements LanguageModel {
    private final OPTConfig config;
    private final OPTDecoder decoder;
    private final Linear lmHead;

    /**
     * Loads the model.
     *
     * @param config  its sizes
     * @param weights the scope {@code language_model}
     */
    public OPTForCausalLM(OPTConfig config, WeightScope weights) {
        this.config = config;
        this.decoder = new OPTDecoder(config, weights.at("model").at("decoder"));
        this.lmHead = weights.contains("lm_head.weight")
                ? new Linear(config.wordEmbedProjDim(), config.vocabSize(), false, weights.at("lm_head"))
                : new Linear(decoder.embedTokens().weight(), null);
        if (config.tieWordEmbeddings()) {
            weights.reportDisagreement("model.decoder.embed_tokens.weight", "lm_head.weight");
        }
    }

    @Override
    public OPTConfig config() {
        return config;
    }

    @Override
    public int embeddingWidth() {
        return config.wordEmbedProjDim();
    }

    @Override
    public Tensor embedTokens(long[][] inputIds) {
        TokenIds.ids("inputIds", inputIds, -1, config.vocabSize());
        Tensor rows = decoder.embedTokens().forward(TokenIds.flatten(inputIds));
        return rows.reshape(inputIds.length, inputIds[0].length, embeddingWidth());
    }

    @Override
    public Tensor textFeatures(Tensor inputsEmbeds, long[][] attentionMask) {
        return decode(inputsEmbeds, attentionMask, Trace.none());
    }

    @Override
    public LanguageModelOutput forward(LanguageModelInputs inputs) {
        Trace trace = new Trace(inputs.outputHiddenStates(), inputs.outputAttentions());
        Tensor hidden = decode(inputs.inputsEmbeds(), inputs.attentionMask(), trace);
        int[] shape = inputs.inputsEmbeds().shape();
        List<Tensor> states = trace.hiddenStates() == null
                ? null
                : trace.hiddenStates().stream()
                        .map(state -> state.reshape(shape[0], shape[1], state.cols()))
                        .toList();
        return new LanguageModelOutput(
                Tensors.toINDArray(lmHead.forward(hidden)),
                Tensors.toINDArrays(states),
                Tensors.toINDArrays(trace.attentions()),
                null,
                null,
                null,
                null);
    }

    /** Runs whole, possibly padded sequences: {@code [batch, seq, width]} in and out. */
    private Tensor decode(Tensor embeds, long[][] attentionMask, Trace trace) {
        int batch = embeds.dim(0);
        int seq = embeds.dim(1);
        config.checkLength(seq, 0);
        int[] positions = new int[batch * seq];
        for (int b = 0; b < batch; b++) {
            int seen = 0;
            for (int s = 0; s < seq; s++) {
                boolean keep = attentionMask[b][s] != 0;
                seen += keep ? 1 : 0;
                positions[b * seq + s] = keep ? seen - 1 : -1;
            }
        }
        long[][] keep = TokenIds.allOnes(attentionMask) ? null : attentionMask;
        KeyValueCache cache = new KeyValueCache(config.numHiddenLayers(), batch, seq, config.hiddenSize());
        Tensor rows = embeds.reshape(batch * seq, embeds.cols());
        return decoder.forward(rows, Spans.padded(batch, seq), positions, keep, cache, trace)
                .reshape(batch, seq, embeds.cols());
    }

    @Override
    public long[][] decoderIds(long[][] decoderInputIds, long[][] labels) {
        if (decoderInputIds != null) {
            throw new IllegalArgumentException("decoderInputIds: expected none for a decoder-only language model, got "
                    + decoderInputIds.length + " rows; put the text into inputIds");
        }
        return null;
    }

    @Override
    public long[][] prefix(long[][] inputIds) {
        return inputIds;
    }

    @Override
    public int promptLength(int positions) {
        return positions;
    }

    @Override
    public DecoderState start(Prompt prompt, int maxNewTokens, boolean hiddenStates, boolean attentions) {
        int longest = prompt.spans().longest();
        config.checkLength(longest, maxNewTokens);
        KeyValueCache cache = KeyValueCache.start(
                config.numHiddenLayers(), prompt.spans().batch(), longest, maxNewTokens, config.hiddenSize());
        return new State(prompt, cache, hiddenStates, attentions);
    }

    /** Keys and values of the sequences so far. */
    private final class State extends CachedDecoderState {
        private final KeyValueCache cache;

        State(Prompt prompt, KeyValueCache cache, boolean hiddenStates, boolean attentions) {
            super(hiddenStates, attentions);
            this.cache = cache;
            read(pass -> forward(prompt.embeds(), prompt.spans(), pass), prompt.spans());
        }

        private Tensor forward(Tensor embeds, Spans spans, Trace pass) {
            int[] past = cache.lengths();
            int[] positions = new int[embeds.rows()];
            for (int s = 0; s < spans.batch(); s++) {
                for (int i = 0; i < spans.length(s); i++) {
                    positions[spans.start(s) + i] = past[s] + i;
                }
            }
            return decoder.forward(embeds, spans, positions, null, cache, pass);
        }

        @Override
        protected Tensor decode(int[] tokens, Spans rows, Trace pass) {
            return forward(decoder.embedTokens().forward(tokens), rows, pass);
        }

        @Override
        protected int[] lengths() {
            return cache.lengths();
        }

        @Override
        protected int[] encoderLengths() {
            return null;
        }

        @Override
        protected Tensor head(Tensor states) {
            return lmHead.forward(states);
        }

        @Override
        public void drop(int... counts) {
            cache.drop(counts);
        }

        @Override
        public void select(int... rows) {
            super.select(rows);
            cache.select(rows);
        }
    }
}
