/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.beam;

import io.github.blip2java.generation.EarlyStopping;
import java.util.List;

/**
 * The rules of a search with beams.
 *
 * @param beams         sequences that go on together, 1 or more
 * @param returned      sequences that a prompt gets, 1 to {@code beams}
 * @param lengthPenalty the power of the length, in new tokens, that divides a sequence's sum of log-probabilities; above 0
 *                      favours long sequences, below 0 short ones
 * @param earlyStopping when the search ends
 * @param maxNewTokens  the longest that a sequence may become, which {@link EarlyStopping#NEVER} reckons with
 * @param eos           the end tokens
 */
public record BeamOptions(
        int beams,
        int returned,
        double lengthPenalty,
        EarlyStopping earlyStopping,
        int maxNewTokens,
        List<Integer> eos) {
    /**
     * Copies the list.
     *
     * @param beams         as above
     * @param returned      as above
     * @param lengthPenalty as above
     * @param earlyStopping as above
     * @param maxNewTokens  as above
     * @param eos           as above
     */
    public BeamOptions {
        eos = List.copyOf(eos);
        if (beams < 1 || returned < 1 || returned > beams) {
            throw new IllegalArgumentException("num_return_sequences: expected 1 to num_beams, " + beams + ", got "
                    + returned + "; raise num_beams");
        }
    }

    /** Continuations that are looked at in a step: so many that enough of them are no end. */
    int candidates(int of) {
        return Math.max(2, 1 + eos.size()) * of;
    }

    /** The score of a sequence that ends with so many new tokens. */
    float penalised(float sum, int newTokens) {
        return sum / (float) Math.pow(newTokens, lengthPenalty);
    }
}
