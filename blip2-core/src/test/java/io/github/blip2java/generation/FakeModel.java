/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.DecoderPass;
import io.github.blip2java.language.DecoderState;
import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.language.LanguageModelConfig;
import io.github.blip2java.language.LanguageModelInputs;
import io.github.blip2java.language.LanguageModelOutput;
import io.github.blip2java.language.Prompt;
import io.github.blip2java.language.opt.OPTConfig;
import io.github.blip2java.language.t5.T5Config;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A language model that writes what it is told: sequence {@code s} scores token {@code script[s][step]} highest, and the
 * token after it second. Remembers what was asked of it.
 */
final class FakeModel implements LanguageModel {
    static final int VOCAB = 12;

    final List<String> calls = new ArrayList<>();
    private final LanguageModelConfig config;
    private final int[][] script;

    private FakeModel(LanguageModelConfig config, int[]... script) {
        this.config = config;
        this.script = script;
    }

    /** With 30 positions, as OPT has a limit. */
    static FakeModel limited(int[]... script) {
        return new FakeModel(
                OPTConfig.of(ConfigNode.of(Map.of("vocab_size", VOCAB, "max_position_embeddings", 30))), script);
    }

    /** Without a limit, as T5. */
    static FakeModel unlimited(int[]... script) {
        return new FakeModel(T5Config.of(ConfigNode.of(Map.of("vocab_size", VOCAB))), script);
    }

    /** Without a limit, and with keys and values that are large beside the heap: 40 MB a position. */
    static FakeModel large(int[]... script) {
        Map<String, Object> sizes = Map.of("vocab_size", VOCAB, "num_layers", 1000, "num_heads", 50, "d_kv", 100);
        return new FakeModel(T5Config.of(ConfigNode.of(sizes)), script);
    }

    /** Prompts of so many positions. */
    static Prompt prompt(int... lengths) {
        int rows = Arrays.stream(lengths).sum();
        return new Prompt(Tensor.zeros(rows, 1), Spans.packed(lengths), new int[rows]);
    }

    @Override
    public DecoderState start(Prompt prompt, int maxNewTokens, boolean hiddenStates, boolean attentions) {
        calls.add("start " + maxNewTokens);
        return new State(prompt.spans().batch());
    }

    final class State implements DecoderState {
        private int[] sequences;
        private int step;
        private Tensor logits;

        State(int rows) {
            sequences = new int[rows];
            Arrays.setAll(sequences, i -> i);
            compute();
        }

        private void compute() {
            logits = Tensor.zeros(sequences.length, VOCAB);
            for (int i = 0; i < sequences.length; i++) {
                int[] tokens = script[sequences[i]];
                int token = tokens[Math.min(step, tokens.length - 1)];
                Arrays.fill(logits.data(), i * VOCAB, (i + 1) * VOCAB, -3);
                logits.data()[i * VOCAB + token] = 2;
                logits.data()[i * VOCAB + (token + 1) % VOCAB] = 1;
            }
        }

        /** Damages a score. */
        State with(int index, float score) {
            logits.data()[index] = score;
            return this;
        }

        @Override
        public Tensor logits() {
            return logits;
        }

        @Override
        public void advance(int... tokens) {
            calls.add("advance " + Arrays.toString(tokens));
            step++;
            compute();
        }

        @Override
        public DecoderPass pass(int row) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Tensor hidden(int row) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Tensor advance(int[][] tokens) {
            advance(Arrays.stream(tokens).mapToInt(row -> row[0]).toArray());
            return logits;
        }

        @Override
        public void drop(int... counts) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void select(int... rows) {
            calls.add("select " + Arrays.toString(rows));
            sequences = Arrays.stream(rows).map(row -> sequences[row]).toArray();
            logits = logits.gatherRows(rows);
        }
    }

    @Override
    public LanguageModelConfig config() {
        return config;
    }

    @Override
    public int embeddingWidth() {
        return 1;
    }

    @Override
    public Tensor embedTokens(long[][] inputIds) {
        calls.add("embed " + Arrays.deepToString(inputIds));
        return Tensor.zeros(inputIds.length, inputIds[0].length, 1);
    }

    @Override
    public Tensor textFeatures(Tensor inputsEmbeds, long[][] attentionMask) {
        throw new UnsupportedOperationException();
    }

    @Override
    public LanguageModelOutput forward(LanguageModelInputs inputs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long[][] decoderIds(long[][] decoderInputIds, long[][] labels) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long[][] prefix(long[][] inputIds) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int promptLength(int positions) {
        throw new UnsupportedOperationException();
    }
}
