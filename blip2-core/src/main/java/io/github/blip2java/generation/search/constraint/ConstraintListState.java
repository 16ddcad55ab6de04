/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.constraint;

import java.util.ArrayList;
import java.util.List;

/**
 * How far a sequence has come with all that must occur. At most one constraint is in progress at a time. Reference: {@code
 * ConstraintListState}.
 */
public final class ConstraintListState {
    private final int longest;
    private final int constraints;
    private final List<Constraint> pending = new ArrayList<>();
    private int complete;
    /** What has begun and is not at its end; null where nothing has. */
    private Constraint inProgress;

    /**
     * At the start.
     *
     * @param constraints all that must occur, one or more
     */
    public ConstraintListState(List<Constraint> constraints) {
        this.constraints = constraints.size();
        this.longest = constraints.stream().mapToInt(Constraint::length).max().orElseThrow();
        constraints.forEach(each -> pending.add(each.fresh()));
    }

    private ConstraintListState(ConstraintListState same) {
        this.constraints = same.constraints;
        this.longest = same.longest;
        this.complete = same.complete;
        this.inProgress = same.inProgress == null ? null : same.inProgress.copy();
        same.pending.forEach(each -> pending.add(each.fresh()));
    }

    /** {@return one that has come as far} */
    public ConstraintListState copy() {
        return new ConstraintListState(this);
    }

    /** {@return whether nothing is missing} */
    public boolean completed() {
        return complete == constraints;
    }

    /** {@return the steps that are done, by which sequences are told apart: each constraint counts as many as the longest} */
    public int bank() {
        return complete * longest + (inProgress == null ? 0 : longest - inProgress.remaining());
    }

    /** {@return the tokens that lead one step further} */
    public List<Integer> advance() {
        return inProgress != null
                ? inProgress.advance()
                : pending.stream().flatMap(each -> each.advance().stream()).toList();
    }

    /**
     * Takes the next tokens, as far as something is missing.
     *
     * @param tokens any
     * @return this
     */
    public ConstraintListState add(int... tokens) {
        for (int token : tokens) {
            if (completed()) {
                break;
            }
            if (inProgress == null) {
                pending.stream()
                        .filter(each -> each.advance().contains(token))
                        .findFirst()
                        .ifPresent(each -> {
                            pending.remove(each);
                            inProgress = each;
                        });
            }
            if (inProgress != null) {
                switch (inProgress.update(token)) {
                    case STEPPED -> {}
                    case COMPLETED -> {
                        complete++;
                        inProgress = null;
                    }
                    case RESET -> {
                        pending.add(inProgress.fresh());
                        inProgress = null;
                    }
                }
            }
        }
        return this;
    }
}
