/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.beam;

import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.StoppingCriteria;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.Search;
import io.github.blip2java.generation.search.TopK;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Several beam searches for one prompt, of which the later avoid what the earlier take at the same time (Vijayakumar et al. 2016, arXiv
 * 1610.02424, algorithm 1). Reference: {@code _group_beam_search} and {@code BeamSearchScorer} of {@code transformers} 4.57.
 *
 * <p>What makes the groups differ is {@link io.github.blip2java.generation.logits.HammingDiversityLogitsProcessor}, among the processors.
 */
public final class GroupBeamSearch implements Search {
    private final BeamOptions options;
    private final int groupSize;
    private final int pad;
    private final CurrentTokens tokens;
    private final StoppingCriteria stopping;
    private final List<Group> groups = new ArrayList<>();
    private Hypothesis prompt;

    /**
     * Starts a search.
     *
     * @param options  of all groups together; {@code beams} is a multiple of {@code groups}
     * @param groups   how many
     * @param pad      the token that a group that is done is taken to go on with, which later groups so avoid, as in the reference
     * @param tokens   tells the processor what was taken
     * @param stopping says when a sequence is finished
     * @throws IllegalArgumentException if the beams cannot be divided
     */
    public GroupBeamSearch(BeamOptions options, int groups, int pad, CurrentTokens tokens, StoppingCriteria stopping) {
        if (groups < 1 || options.beams() % groups != 0) {
            throw new IllegalArgumentException("num_beam_groups: expected a number that divides num_beams, "
                    + options.beams() + ", got " + groups + "; choose another number of either");
        }
        this.options = options;
        this.groupSize = options.beams() / groups;
        this.pad = pad;
        this.tokens = tokens;
        this.stopping = stopping;
        for (int group = 0; group < groups; group++) {
            this.groups.add(new Group());
        }
    }

    @Override
    public List<Hypothesis> next(Frontier frontier) {
        boolean first = prompt == null;
        if (first) {
            prompt = frontier.hypothesis(0);
            groups.forEach(group -> group.running = Beam.start(prompt, groupSize));
        }
        tokens.clear(prompt.prompt());
        int row = 0;
        for (Group group : groups) {
            int rows = first ? 1 : group.running.size();
            group.next(frontier.rows(row, rows));
            row += first ? 0 : rows;
        }
        return groups.stream().flatMap(Group::hypotheses).toList();
    }

    /** One of the beam searches. */
    private final class Group {
        final BeamHypotheses found = new BeamHypotheses(options, groupSize);
        /** What goes on; empty when the group is done. */
        List<Beam> running;

        Stream<Hypothesis> hypotheses() {
            return running.stream().map(Beam::hypothesis);
        }

        void next(Frontier frontier) {
            if (running.isEmpty()) {
                for (int beam = 0; beam < groupSize; beam++) {
                    tokens.add(prompt.prompt(), pad);
                }
                return;
            }
            List<Continuation> best = Continuation.choose(frontier, running, options.candidates(groupSize), TopK::of);
            running = new ArrayList<>();
            for (int rank = 0; rank < best.size() && running.size() < groupSize; rank++) {
                Continuation each = best.get(rank);
                if (!options.eos().contains(each.token())) {
                    running.add(new Beam(each.extend(frontier), each.sum()));
                    tokens.add(prompt.prompt(), each.token());
                } else if (rank < groupSize) {
                    found.add(each.end(frontier, options), FinishReason.EOS, each.sum());
                }
            }
            int length = frontier.hypothesis(0).newTokens() + 1;
            if (best.isEmpty() || found.isDone(best.get(0).sum(), length)) {
                running = List.of();
            }
            running = going(running);
        }

        /** Ends what meets another rule than that of the end tokens. */
        private List<Beam> going(List<Beam> beams) {
            List<Beam> going = new ArrayList<>();
            for (Beam each : beams) {
                FinishReason reason = stopping.check(each.hypothesis());
                if (reason == null) {
                    going.add(each);
                } else {
                    found.add(each.hypothesis(), reason, each.score());
                }
            }
            return going;
        }
    }

    private Stream<Hypothesis> found() {
        return groups.stream().flatMap(group -> group.found.found().stream());
    }

    @Override
    public List<Hypothesis> results() {
        return BeamHypotheses.best(found().toList(), prompt, options.returned());
    }

    @Override
    public List<Hypothesis> candidates(int result) {
        if (prompt == null) {
            return List.of();
        }
        boolean done = groups.stream().allMatch(group -> group.running.isEmpty());
        return done
                ? List.of(results().get(result))
                : Stream.concat(groups.stream().flatMap(Group::hypotheses), found())
                        .toList();
    }
}
