/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.assisted;

import io.github.blip2java.generation.Hypothesis;

/** Guesses how a sequence goes on. Belongs to one call. Reference: {@code CandidateGenerator}. */
public interface CandidateGenerator {

    /**
     * A guess.
     *
     * @param tokens those that may follow; none where there is no guess
     * @param scores {@code [tokens][vocab]}: what each was drawn from, by its softmax; null where they were not drawn
     */
    record Candidates(int[] tokens, float[][] scores) {
        /** No guess. */
        public static final Candidates NONE = new Candidates(new int[0], null);
    }

    /**
     * Guesses.
     *
     * @param sequence what is settled
     * @param most     tokens that are of use, 0 or more
     * @return at most so many
     */
    Candidates candidates(Hypothesis sequence, int most);

    /**
     * Hears how good the last guess was.
     *
     * @param candidates tokens that were guessed
     * @param matches    how many of them were right, from the first on
     */
    default void update(int candidates, int matches) {}
}
