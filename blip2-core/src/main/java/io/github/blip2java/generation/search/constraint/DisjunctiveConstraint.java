/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.constraint;

import java.util.ArrayList;
import java.util.List;

/** Several runs of tokens, of which one must occur. Reference: {@code DisjunctiveConstraint} and {@code DisjunctiveTrie}. */
public final class DisjunctiveConstraint implements Constraint {
    private final List<List<Integer>> alternatives;
    /** The tokens so far, with which some alternatives begin. */
    private List<Integer> current = new ArrayList<>();

    /**
     * At its start.
     *
     * @param alternatives the runs, one or more
     * @throws IllegalArgumentException if there are none, one is empty or has a negative id, or one is the beginning of another
     */
    public DisjunctiveConstraint(List<List<Integer>> alternatives) {
        if (alternatives.isEmpty()) {
            throw new IllegalArgumentException(
                    "force_words_ids: expected one run of tokens or more for each constraint, got none");
        }
        alternatives.forEach(PhrasalConstraint::new); // checks each
        for (int i = 0; i < alternatives.size(); i++) {
            for (int j = 0; j < alternatives.size(); j++) {
                if (i != j && begins(alternatives.get(j), alternatives.get(i))) {
                    throw new IllegalArgumentException(
                            "force_words_ids: expected alternatives of which none is the beginning of another, got "
                                    + alternatives.get(i) + " and " + alternatives.get(j)
                                    + "; leave the longer one out");
                }
            }
        }
        this.alternatives = List.copyOf(alternatives);
    }

    private static boolean begins(List<Integer> run, List<Integer> beginning) {
        return run.size() >= beginning.size()
                && run.subList(0, beginning.size()).equals(beginning);
    }

    @Override
    public List<Integer> advance() {
        return alternatives.stream()
                .filter(run -> run.size() > current.size() && begins(run, current))
                .map(run -> run.get(current.size()))
                .distinct()
                .toList();
    }

    @Override
    public Progress update(int token) {
        if (!advance().contains(token)) {
            current = new ArrayList<>();
            return Progress.RESET;
        }
        current.add(token);
        return advance().isEmpty() ? Progress.COMPLETED : Progress.STEPPED;
    }

    @Override
    public int remaining() {
        return advance().isEmpty() ? 0 : length() - current.size();
    }

    @Override
    public int length() {
        return alternatives.stream().mapToInt(List::size).max().orElseThrow();
    }

    @Override
    public Constraint fresh() {
        return new DisjunctiveConstraint(alternatives);
    }

    /** As in the reference the copies share what has come so far, so that of several tokens that may follow the first alone counts as a step. */
    @Override
    public Constraint copy() {
        DisjunctiveConstraint copy = new DisjunctiveConstraint(alternatives);
        copy.current = current;
        return copy;
    }
}
