/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.generation.assisted.AssistedDecoding;
import io.github.blip2java.generation.logits.LogitsProcessors;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.Search;
import io.github.blip2java.generation.search.beam.CurrentTokens;
import io.github.blip2java.language.DecoderState;
import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.language.Prompt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Turns embedded prompts into new tokens, by the options given. Reference: {@code GenerationMixin.generate}. */
public final class Generator {
    private final LanguageModel languageModel;
    private final GenerationConfig defaults;

    /**
     * Generates with a language model.
     *
     * @param languageModel OPT or T5
     * @param defaults      what counts where a call's options leave something unset
     */
    public Generator(LanguageModel languageModel, GenerationConfig defaults) {
        this.languageModel = languageModel;
        this.defaults = defaults;
    }

    /**
     * Prompts, as a generator needs them.
     *
     * @param embedded     embeddings, without padding
     * @param prefix       {@code [rows, length]}: ids that stand before the new tokens in the result
     * @param textIds      for each row the ids of its text, without image ids and padding
     * @param promptLength positions that {@code maxLength} and {@code minLength} count before the new tokens
     */
    public record Prompts(Prompt embedded, long[][] prefix, int[][] textIds, int promptLength) {
        int rows() {
            return prefix.length;
        }

        List<Hypothesis> hypotheses() {
            return IntStream.range(0, rows())
                    .mapToObj(row -> Hypothesis.of(
                            row,
                            Arrays.stream(prefix[row])
                                    .mapToInt(Math::toIntExact)
                                    .toArray(),
                            textIds[row]))
                    .toList();
        }
    }

    /**
     * Refuses what {@link #generate} would refuse, before any work.
     *
     * @param longest      positions of the longest prompt, without padding
     * @param promptLength positions that {@code maxLength} and {@code minLength} count before the new tokens
     * @param options      how to generate
     * @throws IllegalArgumentException if the options contradict each other or the model's limits
     */
    public void check(int longest, int promptLength, GenerationConfig options) {
        Rules rules = rules(longest, promptLength, options, 1);
        processors(rules, GenerationHooks.NONE, new CurrentTokens(), () -> null);
    }

    /**
     * Generates.
     *
     * @param prompts what to continue
     * @param options how to generate
     * @param hooks   what the caller wants to hear of or to have a say in
     * @return ids and finish reasons
     * @throws IllegalArgumentException if the options contradict each other or the model's limits
     * @throws IllegalStateException if the model gives scores that are no finite numbers
     */
    public GenerationResult generate(Prompts prompts, GenerationConfig options, GenerationHooks hooks) {
        Prompt embedded = prompts.embedded();
        Rules rules = rules(embedded.spans().longest(), prompts.promptLength(), options, prompts.rows());
        boolean hiddenStates = rules.options().get(GenerationOption.OUTPUT_HIDDEN_STATES);
        boolean attentions = rules.options().get(GenerationOption.OUTPUT_ATTENTIONS);
        Frontier.Kept kept = new Frontier.Kept(
                hooks.logProbabilities(),
                rules.options().get(GenerationOption.OUTPUT_SCORES),
                rules.options().get(GenerationOption.OUTPUT_LOGITS),
                hiddenStates || attentions);
        if (hooks.assistant() != null || rules.options().getIfSet(GenerationOption.PROMPT_LOOKUP_NUM_TOKENS) != null) {
            return Results.of(assisted(prompts, rules, hooks, kept), rules, kept);
        }
        CurrentTokens tokens = new CurrentTokens();
        LogitsProcessor processors = processors(rules, prompts, hooks, tokens);
        Search search = Searches.of(rules, prompts.rows(), tokens, stopping(rules, hooks));
        int results = prompts.rows() * rules.options().get(GenerationOption.NUM_RETURN_SEQUENCES);
        DecoderState state = languageModel.start(embedded, rules.maxNewTokens(), hiddenStates, attentions);
        List<Hypothesis> found = new DecodingLoop(
                        search, results, processors, kept, hooks.listener(), hooks.cancellation())
                .run(state, prompts.hypotheses());
        return Results.of(found, rules, kept);
    }

    /** Each prompt by itself, as guesses come true for some and not for others. */
    private List<Hypothesis> assisted(Prompts prompts, Rules rules, GenerationHooks hooks, Frontier.Kept kept) {
        Assistance assistance = new Assistance(languageModel.config(), rules, hooks, prompts.rows());
        List<Hypothesis> found = new ArrayList<>();
        for (Hypothesis prompt : prompts.hypotheses()) {
            int row = prompt.prompt();
            DecoderState state = languageModel.start(prompts.embedded().sequence(row), rules.maxNewTokens());
            found.add(new AssistedDecoding(
                            assistance.generator(row, processors(rules, prompts, hooks, new CurrentTokens())),
                            rules.maxNewTokens(),
                            processors(rules, prompts, hooks, new CurrentTokens()),
                            stopping(rules, hooks),
                            assistance.random(row),
                            kept)
                    .run(
                            state,
                            prompt,
                            (sequence, tokens) -> hooks.listener().onTokens(row, tokens),
                            hooks.cancellation()));
        }
        return found;
    }

    private Rules rules(int longest, int promptLength, GenerationConfig options, int rows) {
        if (options == null) {
            throw new IllegalArgumentException(
                    "options: expected a GenerationConfig, got null; GenerationConfig.defaults() sets nothing");
        }
        GenerationConfig all = options.orElse(defaults);
        if (all.getIfSet(GenerationOption.STOP_STRINGS) != null) {
            throw new IllegalArgumentException("generation option stop_strings: expected none where only tokens are"
                    + " known, got " + all.getIfSet(GenerationOption.STOP_STRINGS)
                    + "; Blip2Pipeline, which has the tokenizer, takes them");
        }
        return Rules.of(all, languageModel.config(), longest, promptLength, (long) rows * all.sequencesAtATime());
    }

    private LogitsProcessor processors(Rules rules, Prompts prompts, GenerationHooks hooks, CurrentTokens tokens) {
        return processors(
                rules,
                hooks,
                tokens,
                () -> languageModel.start(
                        UnconditionalPrompt.of(languageModel, prompts, hooks.negativePromptIds()),
                        rules.maxNewTokens()));
    }

    private LogitsProcessor processors(
            Rules rules, GenerationHooks hooks, CurrentTokens tokens, Supplier<DecoderState> unconditional) {
        return LogitsProcessors.of(
                rules.options(),
                new LogitsProcessors.Context(
                        languageModel.config().vocabSize(),
                        rules.eos(),
                        rules.minNewTokens(),
                        rules.maxNewTokens(),
                        hooks.prefixAllowedTokens(),
                        hooks.logitsProcessors(),
                        tokens,
                        unconditional));
    }

    private static StoppingCriteria stopping(Rules rules, GenerationHooks hooks) {
        List<StoppingCriteria> criteria = new ArrayList<>();
        criteria.add(StoppingCriteria.eos(rules.eos()));
        criteria.addAll(hooks.stoppingCriteria());
        criteria.add(StoppingCriteria.maxNewTokens(rules.maxNewTokens()));
        Double seconds = rules.options().get(GenerationOption.MAX_TIME);
        if (seconds != null) {
            criteria.add(StoppingCriteria.maxTime(seconds));
        }
        return StoppingCriteria.any(criteria);
    }
}
