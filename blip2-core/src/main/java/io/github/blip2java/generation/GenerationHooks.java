/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import java.util.ArrayList;
import java.util.List;

/**
 * What a caller wants to hear of, or to have a say in, while a text is generated: all that is no plain value and so no part of
 * {@link GenerationConfig}.
 *
 * <p>Immutable; each {@code with…} returns a copy.
 *
 * @param listener           hears of tokens as they come
 * @param cancellation       ends the generation early
 * @param logitsProcessors   change scores after those of the options, before those of sampling
 * @param stoppingCriteria   end sequences besides those of the options
 * @param logProbabilities   whether the result tells what the model gave each token
 */
public record GenerationHooks(
        TokenListener listener,
        Cancellation cancellation,
        List<LogitsProcessor> logitsProcessors,
        List<StoppingCriteria> stoppingCriteria,
        boolean logProbabilities) {

    /** Nothing of it. */
    public static final GenerationHooks NONE =
            new GenerationHooks((sequence, tokens) -> {}, new Cancellation(), List.of(), List.of(), false);

    /**
     * Copies the lists.
     *
     * @param listener as above
     * @param cancellation as above
     * @param logitsProcessors as above
     * @param stoppingCriteria as above
     * @param logProbabilities as above
     */
    public GenerationHooks {
        logitsProcessors = List.copyOf(logitsProcessors);
        stoppingCriteria = List.copyOf(stoppingCriteria);
    }

    /**
     * Streams.
     *
     * @param newListener hears of tokens as they come
     * @return a copy with it
     */
    public GenerationHooks withListener(TokenListener newListener) {
        return new GenerationHooks(newListener, cancellation, logitsProcessors, stoppingCriteria, logProbabilities);
    }

    /**
     * Makes the generation end when asked to.
     *
     * @param newCancellation may be shared by several calls
     * @return a copy with it
     */
    public GenerationHooks withCancellation(Cancellation newCancellation) {
        return new GenerationHooks(listener, newCancellation, logitsProcessors, stoppingCriteria, logProbabilities);
    }

    /**
     * Adds a processor of scores.
     *
     * @param processor runs after those that were there
     * @return a copy with it
     */
    public GenerationHooks withLogitsProcessor(LogitsProcessor processor) {
        return new GenerationHooks(
                listener, cancellation, with(logitsProcessors, processor), stoppingCriteria, logProbabilities);
    }

    /**
     * Adds a criterion that ends sequences.
     *
     * @param criterion asked after those that were there
     * @return a copy with it
     */
    public GenerationHooks withStoppingCriteria(StoppingCriteria criterion) {
        return new GenerationHooks(
                listener, cancellation, logitsProcessors, with(stoppingCriteria, criterion), logProbabilities);
    }

    /**
     * Asks for the probabilities.
     *
     * @param wanted whether the result tells what the model gave each token
     * @return a copy with it
     */
    public GenerationHooks withLogProbabilities(boolean wanted) {
        return new GenerationHooks(listener, cancellation, logitsProcessors, stoppingCriteria, wanted);
    }

    private static <T> List<T> with(List<T> some, T more) {
        List<T> all = new ArrayList<>(some);
        all.add(more);
        return all;
    }
}
