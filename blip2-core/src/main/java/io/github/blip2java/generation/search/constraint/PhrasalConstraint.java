/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.constraint;

import java.util.List;

/** Tokens that must occur one after the other. Reference: {@code PhrasalConstraint}. */
public final class PhrasalConstraint implements Constraint {
    private final List<Integer> tokens;
    private int done;

    /**
     * At its start.
     *
     * @param tokens the tokens, one or more
     * @throws IllegalArgumentException if there are none, or one is negative
     */
    public PhrasalConstraint(List<Integer> tokens) {
        if (tokens.isEmpty() || tokens.stream().anyMatch(token -> token < 0)) {
            throw new IllegalArgumentException("force_words_ids: expected runs of one id or more, 0 or higher, got "
                    + tokens + "; use ids of this model's tokenizer");
        }
        this.tokens = List.copyOf(tokens);
    }

    @Override
    public List<Integer> advance() {
        return done == tokens.size() ? List.of() : List.of(tokens.get(done));
    }

    @Override
    public Progress update(int token) {
        if (!advance().contains(token)) {
            done = 0;
            return Progress.RESET;
        }
        done++;
        return done == tokens.size() ? Progress.COMPLETED : Progress.STEPPED;
    }

    @Override
    public int remaining() {
        return tokens.size() - done;
    }

    @Override
    public int length() {
        return tokens.size();
    }

    @Override
    public Constraint fresh() {
        return new PhrasalConstraint(tokens);
    }

    @Override
    public Constraint copy() {
        PhrasalConstraint copy = new PhrasalConstraint(tokens);
        copy.done = done;
        return copy;
    }
}
