/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.language.DecoderState;
import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.language.LanguageModelConfig;
import io.github.blip2java.language.Prompt;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Turns embedded prompts into new tokens, by the options given. Reference: {@code GenerationMixin.generate}. */
public final class Generator {
    private final LanguageModel languageModel;

    /**
     * Generates with a language model.
     *
     * @param languageModel OPT or T5
     */
    public Generator(LanguageModel languageModel) {
        this.languageModel = languageModel;
    }

    /**
     * Generates.
     *
     * @param prompt       the embedded prompts, without padding
     * @param prefix       {@code [rows, length]}: ids that stand before the new tokens in the result
     * @param promptLength positions that {@code maxLength} and {@code minLength} count before the new tokens
     * @param options      lengths and special tokens; what is unset there is taken from the language model
     * @return ids and finish reasons
     * @throws IllegalArgumentException if the options contradict each other or the model's limits
     */
    public GenerationResult generate(Prompt prompt, long[][] prefix, int promptLength, GenerationConfig options) {
        LanguageModelConfig config = languageModel.config();
        int[] eos = options.eosTokenIds() != null ? options.eosTokenIds() : config.eosTokenIds();
        Arrays.stream(eos).forEach(id -> checkId("eosTokenIds", id));
        int longest = Arrays.stream(prompt.spans().lengths()).max().orElseThrow();
        int maxNewTokens = options.maxNewTokensAfter(promptLength, room(longest));
        int minLength = options.minNewTokensAfter(promptLength) + prefix[0].length;
        LogitsProcessor processor = options.minNewTokensAfter(promptLength) > 0
                ? LogitsProcessor.minLength(minLength, eos)
                : LogitsProcessor.NONE;
        Set<Integer> ends = new TreeSet<>();
        Arrays.stream(eos).forEach(ends::add);

        DecoderState state = languageModel.start(prompt, maxNewTokens);
        List<Continuation> rows =
                new GreedySearch().decode(state, prefix, processor, new StoppingCriteria(maxNewTokens, ends));
        return result(rows, prefix, pad(options, eos));
    }

    /** Positions left after the prompt, for models whose positions are limited. */
    private int room(int prompt) {
        LanguageModelConfig config = languageModel.config();
        return config.maxPositions().isPresent() ? config.maxPositions().getAsInt() - prompt : Integer.MAX_VALUE;
    }

    private int pad(GenerationConfig options, int[] eos) {
        Integer pad = options.padTokenId() != null
                ? options.padTokenId()
                : languageModel.config().padTokenId();
        // Reference: without a padding token the first end token serves.
        return pad != null ? pad : eos.length > 0 ? eos[0] : 0;
    }

    private void checkId(String name, int id) {
        int vocab = languageModel.config().vocabSize();
        if (id < 0 || id >= vocab) {
            throw new IllegalArgumentException(name + ": expected ids from 0 to " + (vocab - 1) + ", got " + id
                    + "; use ids of this model's tokenizer");
        }
    }

    private static GenerationResult result(List<Continuation> rows, long[][] prefix, int pad) {
        int start = prefix[0].length;
        int longest = rows.stream().mapToInt(row -> row.tokens().length).max().orElse(0);
        long[][] sequences = new long[rows.size()][];
        for (int row = 0; row < sequences.length; row++) {
            long[] tokens = rows.get(row).tokens();
            sequences[row] = Arrays.copyOf(prefix[row], start + longest);
            System.arraycopy(tokens, 0, sequences[row], start, tokens.length);
            Arrays.fill(sequences[row], start + tokens.length, start + longest, pad);
        }
        return new GenerationResult(
                sequences,
                rows.stream().map(Continuation::tokens).toArray(long[][]::new),
                rows.stream().map(Continuation::finishReason).toList());
    }
}
