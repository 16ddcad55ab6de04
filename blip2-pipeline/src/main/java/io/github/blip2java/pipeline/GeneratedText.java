/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.generation.FinishReason;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * A caption or an answer.
 *
 * @param text the new text, without prompt, special tokens, and spaces around it, up to the stop string where one ended it; may be empty
 * @param tokenIds the new token ids, with the end token or the stop string if there was one; unmodifiable
 * @param finishReason why the text ended
 * @param logProbabilities for each of the ids the natural logarithm of the probability that the model gave it, before anything that the
 *     options change; empty unless the request asks for it; unmodifiable
 * @param score the score by which a beam search chose the text: the sum of its log-probabilities after what the options change, divided by a
 *     power of its length ({@code length_penalty}); empty without beams
 * @param alternatives the further texts for the same prompt, the best first; empty unless {@code num_return_sequences} asks for them;
 *     unmodifiable
 */
public record GeneratedText(
        String text,
        List<Long> tokenIds,
        FinishReason finishReason,
        List<Float> logProbabilities,
        OptionalDouble score,
        List<GeneratedText> alternatives) {

    /**
     * Copies the lists.
     *
     * @param text as above
     * @param tokenIds as above
     * @param finishReason as above
     * @param logProbabilities as above
     * @param score as above
     * @param alternatives as above
     */
    public GeneratedText {
        tokenIds = List.copyOf(tokenIds);
        logProbabilities = List.copyOf(logProbabilities);
        alternatives = List.copyOf(alternatives);
    }

    /**
     * The probability of the whole text.
     *
     * @return the sum of {@link #logProbabilities}, 0 or less
     * @throws IllegalStateException when the request did not ask for them
     */
    public double logProbability() {
        if (logProbabilities.size() != tokenIds.size()) {
            throw new IllegalStateException("logProbabilities: expected one for each of the " + tokenIds.size()
                    + " tokens, got " + logProbabilities.size() + "; ask for them in the request");
        }
        return logProbabilities.stream().mapToDouble(Float::doubleValue).sum();
    }

    /** {@return the text itself and its alternatives, the best first; this one alone where there are none} */
    public List<GeneratedText> candidates() {
        return Stream.concat(Stream.of(this), alternatives.stream()).toList();
    }
}
