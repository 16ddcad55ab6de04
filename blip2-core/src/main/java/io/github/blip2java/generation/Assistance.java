/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.generation.assisted.Assistant;
import io.github.blip2java.generation.assisted.AssistedCandidateGenerator;
import io.github.blip2java.generation.assisted.CandidateGenerator;
import io.github.blip2java.generation.assisted.PromptLookupCandidateGenerator;
import io.github.blip2java.generation.search.SamplingSearch;
import io.github.blip2java.language.LanguageModelConfig;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;

/** Who guesses in a call, by its options: an assistant model, or the words that are there already. */
final class Assistance {
    private final Rules rules;
    private final Assistant assistant;
    private final boolean sampling;
    /** For each prompt, one that draws and one that draws guesses. */
    private final RandomGenerator[] random;

    Assistance(LanguageModelConfig model, Rules rules, GenerationHooks hooks, int prompts) {
        this.rules = rules;
        this.assistant = hooks.assistant();
        GenerationMode mode = rules.options().mode();
        this.sampling = mode == GenerationMode.SAMPLE;
        if (!sampling && mode != GenerationMode.GREEDY_SEARCH
                || rules.options().get(GenerationOption.NUM_RETURN_SEQUENCES) > 1) {
            throw new IllegalArgumentException(
                    "assistant: expected greedy search or sampling of one text for each prompt, got "
                            + mode + " of " + rules.options().get(GenerationOption.NUM_RETURN_SEQUENCES)
                            + "; leave the assistant or prompt_lookup_num_tokens out, they only save time");
        }
        if (assistant != null && assistant.vocabSize() != model.vocabSize()) {
            throw new IllegalArgumentException("assistant: expected a model of the same " + model.vocabSize()
                    + " tokens, got one of " + assistant.vocabSize() + "; use one with the same tokenizer");
        }
        Long seed = rules.options().get(GenerationOption.SEED);
        this.random = SamplingSearch.generators(
                seed == null ? ThreadLocalRandom.current().nextLong() : seed, 2 * prompts);
    }

    RandomGenerator random(int prompt) {
        return sampling ? random[prompt] : null;
    }

    CandidateGenerator generator(int prompt, LogitsProcessor processor) {
        GenerationConfig options = rules.options();
        if (assistant == null) {
            return new PromptLookupCandidateGenerator(
                    options.get(GenerationOption.PROMPT_LOOKUP_NUM_TOKENS),
                    options.get(GenerationOption.MAX_MATCHING_NGRAM_SIZE),
                    rules.eos());
        }
        return new AssistedCandidateGenerator(
                assistant.start(prompt, rules.maxNewTokens()),
                new AssistedCandidateGenerator.Options(
                        options.get(GenerationOption.NUM_ASSISTANT_TOKENS),
                        !options.get(GenerationOption.NUM_ASSISTANT_TOKENS_SCHEDULE)
                                .equals("constant"),
                        options.get(GenerationOption.ASSISTANT_CONFIDENCE_THRESHOLD),
                        Arrays.stream(rules.eos()).boxed().toList()),
                processor,
                sampling ? random[random.length / 2 + prompt] : null);
    }
}
