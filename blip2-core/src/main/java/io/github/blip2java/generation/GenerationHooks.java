/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.generation.assisted.Assistant;
import io.github.blip2java.language.TokenIds;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * What a caller wants to hear of, or to have a say in, while a text is generated: all that is no plain value and so no part of
 * {@link GenerationConfig}.
 *
 * <p>Immutable; each {@code with…} returns a copy. Reference: the arguments of {@code generate} besides its configuration.
 */
public final class GenerationHooks {
    /** Nothing of it. */
    public static final GenerationHooks NONE = new GenerationHooks();

    private TokenListener listener = (sequence, tokens) -> {};
    private Cancellation cancellation;
    private List<LogitsProcessor> logitsProcessors = List.of();
    private List<StoppingCriteria> stoppingCriteria = List.of();
    private PrefixAllowedTokens prefixAllowedTokens;
    private long[][] negativePromptIds;
    private Assistant assistant;
    private boolean logProbabilities;

    private GenerationHooks() {}

    private GenerationHooks with(Consumer<GenerationHooks> change) {
        GenerationHooks copy = new GenerationHooks();
        copy.listener = listener;
        copy.cancellation = cancellation;
        copy.logitsProcessors = logitsProcessors;
        copy.stoppingCriteria = stoppingCriteria;
        copy.prefixAllowedTokens = prefixAllowedTokens;
        copy.negativePromptIds = negativePromptIds;
        copy.assistant = assistant;
        copy.logProbabilities = logProbabilities;
        change.accept(copy);
        return copy;
    }

    /**
     * Streams.
     *
     * @param newListener hears of tokens as they come
     * @return a copy with it
     */
    public GenerationHooks withListener(TokenListener newListener) {
        return with(copy -> copy.listener = Objects.requireNonNull(newListener));
    }

    /**
     * Makes the generation end when asked to.
     *
     * @param newCancellation may be shared by several calls
     * @return a copy with it
     */
    public GenerationHooks withCancellation(Cancellation newCancellation) {
        return with(copy -> copy.cancellation = Objects.requireNonNull(newCancellation));
    }

    /**
     * Adds a processor of scores.
     *
     * @param processor runs after those that were there and those of the options, before those of drawing
     * @return a copy with it
     */
    public GenerationHooks withLogitsProcessor(LogitsProcessor processor) {
        return with(copy -> copy.logitsProcessors = more(logitsProcessors, processor));
    }

    /**
     * Adds a criterion that ends sequences.
     *
     * @param criterion asked after those that were there
     * @return a copy with it
     */
    public GenerationHooks withStoppingCriteria(StoppingCriteria criterion) {
        return with(copy -> copy.stoppingCriteria = more(stoppingCriteria, criterion));
    }

    /**
     * Says what may follow.
     *
     * @param rule asked for every sequence of every step
     * @return a copy with it
     */
    public GenerationHooks withPrefixAllowedTokens(PrefixAllowedTokens rule) {
        return with(copy -> copy.prefixAllowedTokens = rule);
    }

    /**
     * Names what guidance moves away from, in place of the prompt's last token.
     *
     * @param ids {@code [rows][length]}: one text for each prompt, or one for all; without padding
     * @return a copy with it
     */
    public GenerationHooks withNegativePromptIds(long[][] ids) {
        return with(copy -> copy.negativePromptIds = TokenIds.copy(ids));
    }

    /**
     * Lets a smaller model guess, which changes the time that greedy search and sampling take, and not their texts.
     *
     * @param model has read the same prompts
     * @return a copy with it
     */
    public GenerationHooks withAssistant(Assistant model) {
        return with(copy -> copy.assistant = model);
    }

    /**
     * Asks for the probabilities.
     *
     * @param wanted whether the result tells what the model gave each token
     * @return a copy with it
     */
    public GenerationHooks withLogProbabilities(boolean wanted) {
        return with(copy -> copy.logProbabilities = wanted);
    }

    private static <T> List<T> more(List<T> some, T another) {
        List<T> all = new ArrayList<>(some);
        all.add(Objects.requireNonNull(another));
        return List.copyOf(all);
    }

    /** {@return what hears of tokens as they come} */
    public TokenListener listener() {
        return listener;
    }

    /** {@return what ends the generation early; one that nobody cancels where none was set} */
    public Cancellation cancellation() {
        return cancellation == null ? new Cancellation() : cancellation;
    }

    /** {@return further processors; unmodifiable} */
    public List<LogitsProcessor> logitsProcessors() {
        return logitsProcessors;
    }

    /** {@return further criteria; unmodifiable} */
    public List<StoppingCriteria> stoppingCriteria() {
        return stoppingCriteria;
    }

    /** {@return the rule of what may follow, or null} */
    public PrefixAllowedTokens prefixAllowedTokens() {
        return prefixAllowedTokens;
    }

    /** {@return a copy of what guidance moves away from, or null} */
    public long[][] negativePromptIds() {
        return negativePromptIds == null ? null : TokenIds.copy(negativePromptIds);
    }

    /** {@return the model that guesses, or null} */
    public Assistant assistant() {
        return assistant;
    }

    /** {@return whether the result tells what the model gave each token} */
    public boolean logProbabilities() {
        return logProbabilities;
    }
}
