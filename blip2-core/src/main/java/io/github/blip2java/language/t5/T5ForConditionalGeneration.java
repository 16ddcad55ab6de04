/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.t5;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.CrossEntropyLoss;
import io.github.blip2java.internal.nn.Embedding;
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
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * T5 and Flan-T5: lm_head(decoder(tokens, encoder(embeddings))) (Raffel et al. 2020, arXiv 1910.10683).
 *
 * <p>Encoder {@code [batch, seq, dModel]}, logits {@code [batch, target, vocab]}. Keys: {@code shared.weight},
 * {@code encoder.*}, {@code decoder.*}, {@code lm_head.weight}, which is the shared table where it is absent. Reference:
 * {@code T5ForConditionalGeneration}.
 */
public final class T5ForConditionalGeneration implements LanguageModel {
    private static final String SHARED = "shared.weight";
    private static final String DECODER_TABLE = "decoder.embed_tokens.weight";

    private final T5Config config;
    private final Embedding shared;
    private final Embedding decoderTable;
    private final T5Stack encoder;
    private final T5Stack decoder;
    private final Linear lmHead;

    /**
     * Loads the model.
     *
     * @param config  its sizes
     * @param weights the scope {@code language_model}
     */
    public T5ForConditionalGeneration(T5Config config, WeightScope weights) {
        this.config = config;
        this.shared = new Embedding(config.vocabSize(), config.dModel(), weights.at("shared"));
        this.decoderTable = weights.disagree(SHARED, DECODER_TABLE)
                ? new Embedding(
                        config.vocabSize(),
                        config.dModel(),
                        weights.at("decoder").at("embed_tokens"))
                : shared;
        this.encoder = new T5Stack(config, false, weights.at("encoder"));
        this.decoder = new T5Stack(config, true, weights.at("decoder"));
        // Reference: tie_word_embeddings is no guide for T5; the head is its own wherever the file has one.
        this.lmHead = weights.contains("lm_head.weight")
                ? new Linear(config.dModel(), config.vocabSize(), false, weights.at("lm_head"))
                : new Linear(shared.weight(), null);
        if (config.tieWordEmbeddings()) {
            weights.reportDisagreement(SHARED, "lm_head.weight");
        }
    }

    @Override
    public T5Config config() {
        return config;
    }

    @Override
    public int embeddingWidth() {
        return config.dModel();
    }

    @Override
    public Tensor embedTokens(long[][] inputIds) {
        TokenIds.ids("inputIds", inputIds, -1, config.vocabSize());
        return shared.forward(TokenIds.flatten(inputIds)).reshape(inputIds.length, inputIds[0].length, config.dModel());
    }

    @Override
    public Tensor textFeatures(Tensor inputsEmbeds, long[][] attentionMask) {
        return encode(inputsEmbeds, attentionMask, Trace.none());
    }

    /** Encodes whole, possibly padded sequences: {@code [batch, seq, dModel]} in and out. */
    private Tensor encode(Tensor embeds, long[][] attentionMask, Trace trace) {
        int batch = embeds.dim(0);
        int seq = embeds.dim(1);
        int[] columns = IntStream.range(0, batch * seq).map(row -> row % seq).toArray();
        Tensor rows = embeds.reshape(batch * seq, embeds.cols());
        return encoder.encode(rows, Spans.padded(batch, seq), columns, padding(attentionMask), trace)
                .reshape(batch, seq, embeds.cols());
    }

    private static long[][] padding(long[][] mask) {
        return mask == null || TokenIds.allOnes(mask) ? null : mask;
    }

    @Override
    public LanguageModelOutput forward(LanguageModelInputs inputs) {
        long[][] tokens = decoderIds(inputs.decoderInputIds(), null);
        int batch = tokens.length;
        int target = tokens[0].length;
        Trace encoderTrace = new Trace(inputs.outputHiddenStates(), inputs.outputAttentions());
        Tensor encoded = encode(inputs.inputsEmbeds(), inputs.attentionMask(), encoderTrace);
        int seq = encoded.dim(1);

        Trace trace = new Trace(inputs.outputHiddenStates(), inputs.outputAttentions());
        Tensor embeds = decoderTable.forward(TokenIds.flatten(tokens)); // [batch * target, dModel]
        KeyValueCache self = new KeyValueCache(config.numDecoderLayers(), batch, target, attentionWidth());
        KeyValueCache cross = decoder.crossKeysAndValues(
                encoded.reshape(batch * seq, encoded.cols()), Spans.padded(batch, seq), attentionWidth());
        Tensor hidden = decoder.decode(
                embeds,
                Spans.padded(batch, target),
                padding(inputs.decoderAttentionMask()),
                padding(inputs.attentionMask()),
                self,
                cross,
                trace);
        return new LanguageModelOutput(
                Tensors.toINDArray(head(hidden).reshape(batch, target, config.vocabSize())),
                batched(trace.hiddenStates(), batch, target),
                Tensors.toINDArrays(trace.attentions()),
                Tensors.toINDArrays(trace.crossAttentions()),
                Tensors.toINDArray(encoded),
                batched(encoderTrace.hiddenStates(), batch, seq),
                Tensors.toINDArrays(encoderTrace.attentions()));
    }

    private static List<INDArray> batched(List<Tensor> states, int batch, int seq) {
        return states == null
                ? null
                : states.stream()
                        .map(state -> Tensors.toINDArray(state.reshape(batch, seq, state.cols())))
                        .toList();
    }

    private int attentionWidth() {
        return config.numHeads() * config.dKv();
    }

    private Tensor head(Tensor hidden) {
        if (!config.scaleDecoderOutputs()) {
            return lmHead.forward(hidden);
        }
        float scale = (float) Math.pow(config.dModel(), -0.5);
        float[] scaled = hidden.data().clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] *= scale;
        }
        return lmHead.forward(hidden.withRows(scaled, hidden.cols()));
    }

    /** Labels are shifted right behind the start token. Reference: {@code T5PreTrainedModel._shift_right}. */
    @Override
    public long[][] decoderIds(long[][] decoderInputIds, long[][] labels) {
        if (decoderInputIds != null) {
            return TokenIds.ids("decoderInputIds", decoderInputIds, -1, config.vocabSize());
        }
        if (labels == null) {
            throw new IllegalArgumentException(
                    "decoderInputIds: expected [batch, target] for an encoder–decoder language"
                            + " model, got null; pass them, or labels from which they are made");
        }
        long pad = config.padTokenId() == null ? 0 : config.padTokenId();
        return Arrays.stream(labels)
                .map(row -> {
                    long[] shifted = new long[row.length];
                    shifted[0] = config.decoderStartTokenId();
                    for (int i = 1; i < row.length; i++) {
                        shifted[i] = row[i - 1] == CrossEntropyLoss.IGNORE ? pad : row[i - 1];
                    }
                    return shifted;
                })
                .toArray(long[][]::new);
    }

    @Override
    public long[][] prefix(long[][] inputIds) {
        long[][] start = new long[inputIds.length][];
        Arrays.setAll(start, row -> new long[] {config.decoderStartTokenId()});
        return start;
    }

    @Override
    public int promptLength(int positions) {
        return 1;
    }

    @Override
    public DecoderState start(Prompt prompt, int maxNewTokens, boolean hiddenStates, boolean attentions) {
        return new State(prompt, maxNewTokens, hiddenStates, attentions);
    }

    /** The encoder's keys and values, and the decoder's own. */
    private final class State extends CachedDecoderState {
        private final KeyValueCache cross;
        private final KeyValueCache self;

        State(Prompt prompt, int maxNewTokens, boolean hiddenStates, boolean attentions) {
            super(hiddenStates, attentions);
            Tensor encoded = encoder.encode(prompt.embeds(), prompt.spans(), prompt.columns(), null, Trace.none());
            int rows = prompt.spans().batch();
            this.cross = decoder.crossKeysAndValues(encoded, prompt.spans(), attentionWidth());
            this.self = KeyValueCache.start(config.numDecoderLayers(), rows, 1, maxNewTokens, attentionWidth());
            int[] start = new int[rows];
            Arrays.fill(start, config.decoderStartTokenId());
            advance(start);
        }

        @Override
        protected Tensor decode(int[] tokens, Spans rows, Trace pass) {
            return decoder.decode(decoderTable.forward(tokens), rows, null, null, self, cross, pass);
        }

        @Override
        protected int[] lengths() {
            return self.lengths();
        }

        @Override
        protected int[] encoderLengths() {
            return cross.lengths();
        }

        @Override
        protected Tensor head(Tensor states) {
            return T5ForConditionalGeneration.this.head(states);
        }

        @Override
        public void drop(int... counts) {
            self.drop(counts);
        }

        @Override
        public void select(int... rows) {
            super.select(rows);
            cross.select(rows);
            self.select(rows);
        }
    }
}
