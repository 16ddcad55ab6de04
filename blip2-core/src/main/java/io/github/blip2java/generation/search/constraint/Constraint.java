/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.constraint;

import java.util.List;

/** Tokens that must occur, and how far a sequence has come with them. Reference: {@code Constraint} of {@code transformers} 4.57. */
public interface Constraint {

    /** What a token did: led one step further, to the end, or back to the start. */
    enum Progress {
        /** One step further. */
        STEPPED,
        /** The last step. */
        COMPLETED,
        /** The token was another; all begins anew. */
        RESET
    }

    /** {@return the tokens that lead one step further; none where all is done} */
    List<Integer> advance();

    /**
     * Takes the next token.
     *
     * @param token any
     * @return what it did
     */
    Progress update(int token);

    /** {@return tokens that are missing, at most} */
    int remaining();

    /** {@return tokens in all, at most} */
    int length();

    /** {@return the constraint at its start} */
    Constraint fresh();

    /** {@return one that has come as far} */
    Constraint copy();

    /**
     * Makes a constraint.
     *
     * @param alternatives runs of tokens, of which one must occur
     * @return a {@link PhrasalConstraint} for one run, else a {@link DisjunctiveConstraint}
     * @throws IllegalArgumentException if a run is empty or has a negative id, or one is the beginning of another
     */
    static Constraint of(List<List<Integer>> alternatives) {
        return alternatives.size() == 1
                ? new PhrasalConstraint(alternatives.get(0))
                : new DisjunctiveConstraint(alternatives);
    }
}
