/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/** How tokens are chosen. Reference: {@code GenerationMode}. */
public enum GenerationMode {
    /** The most probable token. */
    GREEDY_SEARCH,
    /** Tokens drawn by their probabilities. */
    SAMPLE,
    /** The most probable sequences of several. */
    BEAM_SEARCH,
    /** Several sequences, whose next tokens are drawn. */
    BEAM_SAMPLE,
    /** Groups of beams that differ (Vijayakumar et al. 2016, arXiv 1610.02424). */
    GROUP_BEAM_SEARCH,
    /** Beams that must hold given words. */
    CONSTRAINED_BEAM_SEARCH,
    /** Probable tokens that say something new (Su et al. 2022, arXiv 2202.06417). */
    CONTRASTIVE_SEARCH;

    /** {@return whether several sequences are pursued for each prompt and ordered by their scores} */
    public boolean hasBeams() {
        return switch (this) {
            case BEAM_SEARCH, BEAM_SAMPLE, GROUP_BEAM_SEARCH, CONSTRAINED_BEAM_SEARCH -> true;
            case GREEDY_SEARCH, SAMPLE, CONTRASTIVE_SEARCH -> false;
        };
    }
}
