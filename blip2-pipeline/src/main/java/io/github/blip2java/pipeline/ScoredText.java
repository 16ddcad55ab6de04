/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import java.util.List;

/**
 * How probable a given text is.
 *
 * @param text the text as it was given
 * @param tokenIds its token ids, with the end token behind them; unmodifiable
 * @param logProbabilities for each of the ids the natural logarithm of its probability, given the picture, the prompt and the ids before
 *     it; unmodifiable
 */
public record ScoredText(String text, List<Long> tokenIds, List<Float> logProbabilities) {

    /**
     * Copies the lists.
     *
     * @param text as above
     * @param tokenIds as above
     * @param logProbabilities as above
     */
    public ScoredText {
        tokenIds = List.copyOf(tokenIds);
        logProbabilities = List.copyOf(logProbabilities);
    }

    /** {@return the logarithm of the probability of the whole text, 0 or less: the sum over its tokens} */
    public double logProbability() {
        return logProbabilities.stream().mapToDouble(Float::doubleValue).sum();
    }

    /** {@return the same for a token on average, which does not favour short texts} */
    public double meanLogProbability() {
        return logProbability() / logProbabilities.size();
    }

    /** {@return e to the power of minus the mean: among how many tokens the model might as well have chosen each, 1 or more} */
    public double perplexity() {
        return Math.exp(-meanLogProbability());
    }
}
