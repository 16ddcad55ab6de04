/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.beam;

import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.StoppingCriteria;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.Search;
import io.github.blip2java.generation.search.TopK;
import io.github.blip2java.generation.search.constraint.Constraint;
import io.github.blip2java.generation.search.constraint.ConstraintListState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Beams for one prompt whose texts must have some tokens in them. Beside the best continuations those are looked at that lead to what is
 * missing, and the beams are taken in turn from all that have come equally far (Post and Vilar 2018, arXiv 1804.06609, §3). Reference:
 * {@code _constrained_beam_search} and {@code ConstrainedBeamSearchScorer} of {@code transformers} 4.57; what stands in the prompt
 * of a decoder-only model counts, as there.
 *
 * <p>As in the reference a beam that has everything has no privilege from then on, and may be lost again to likelier ones; where no
 * beam has everything in the end, the best ones without are the results. More beams help.
 */
public final class ConstrainedBeamSearch implements Search {
    private final BeamOptions options;
    private final List<Constraint> constraints;
    private final StoppingCriteria stopping;
    private final BeamHypotheses found;
    private List<Beam> running = List.of();
    private Hypothesis prompt;

    /**
     * Starts a search.
     *
     * @param options     how many beams, and when they end
     * @param constraints what must occur, one or more
     * @param stopping    says when a sequence is finished
     */
    public ConstrainedBeamSearch(BeamOptions options, List<Constraint> constraints, StoppingCriteria stopping) {
        this.options = options;
        this.constraints = List.copyOf(constraints);
        this.stopping = stopping;
        this.found = new BeamHypotheses(options, options.beams());
    }

    /** A sequence that may go on, and how far it has come. */
    private record Candidate(Beam beam, int bank) {
        /** Steps count more than probabilities. */
        float rank() {
            return bank * 100 + beam.score();
        }
    }

    @Override
    public List<Hypothesis> next(Frontier frontier) {
        if (prompt == null) {
            prompt = frontier.hypothesis(0);
            running = Beam.start(prompt, options.beams());
        }
        List<Continuation> best = Continuation.choose(frontier, running, options.candidates(options.beams()), TopK::of);
        List<Beam> next = new ArrayList<>();
        for (int rank = 0; rank < best.size() && next.size() < options.beams(); rank++) {
            Continuation each = best.get(rank);
            if (!options.eos().contains(each.token())) {
                next.add(new Beam(each.extend(frontier), each.sum()));
            } else if (rank < options.beams() && completed(frontier.hypothesis(each.row()))) {
                found.add(each.end(frontier, options), FinishReason.EOS, each.sum());
            }
        }
        running = step(frontier, next);
        int length = frontier.hypothesis(0).newTokens() + 1;
        if (best.isEmpty() || found.isDone(best.get(0).sum(), length)) {
            running = List.of();
        }
        running = going(running);
        return running.stream().map(Beam::hypothesis).toList();
    }

    private ConstraintListState state(Hypothesis hypothesis) {
        return new ConstraintListState(constraints).add(hypothesis.ids());
    }

    private boolean completed(Hypothesis hypothesis) {
        return state(hypothesis).completed();
    }

    /** Adds what leads to missing tokens, and takes the beams that go on. Reference: {@code step_sentence_constraint}. */
    private List<Beam> step(Frontier frontier, List<Beam> next) {
        List<Candidate> candidates = new ArrayList<>();
        Set<List<Integer>> known = new HashSet<>();
        for (Beam each : next) {
            candidates.add(new Candidate(each, state(each.hypothesis()).bank()));
            known.add(ids(each.hypothesis()));
        }
        int likely = candidates.size();
        for (int beam = 0; beam < running.size(); beam++) {
            int row = Math.min(beam, frontier.size() - 1);
            Hypothesis hypothesis = frontier.hypothesis(row);
            ConstraintListState state = state(hypothesis);
            if (state.completed()) {
                continue;
            }
            float[] scores = null;
            for (int token : state.advance()) {
                int bank = state.copy().add(token).bank();
                List<Integer> ids = ids(hypothesis);
                ids.add(token);
                if (known.add(ids)) {
                    scores = scores == null ? frontier.logProbabilities(row) : scores;
                    float sum = scores[token] + running.get(beam).score();
                    if (sum > Float.NEGATIVE_INFINITY) {
                        candidates.add(new Candidate(new Beam(frontier.extend(row, token, sum, scores), sum), bank));
                    }
                }
            }
        }
        return candidates.size() == likely ? next : inTurn(candidates);
    }

    private static List<Integer> ids(Hypothesis hypothesis) {
        return new ArrayList<>(Arrays.stream(hypothesis.ids()).boxed().toList());
    }

    /** The best of each bank, then the second of each, and so on. */
    private List<Beam> inTurn(List<Candidate> candidates) {
        List<Candidate> sorted = candidates.stream()
                .sorted(Comparator.comparing(Candidate::rank).reversed())
                .toList();
        int[] turns = new int[sorted.size()];
        for (int i = 1; i < turns.length; i++) {
            turns[i] = sorted.get(i).bank == sorted.get(i - 1).bank ? turns[i - 1] + 1 : 0;
        }
        return IntStream.range(0, turns.length)
                .boxed()
                .sorted(Comparator.comparing(i -> turns[i]))
                .limit(options.beams())
                .map(i -> sorted.get(i).beam)
                .toList();
    }

    /** Ends what meets another rule than that of the end tokens. Reference: {@code finalize}. */
    private List<Beam> going(List<Beam> beams) {
        List<Beam> going = new ArrayList<>();
        List<Beam> without = new ArrayList<>();
        int completed = 0;
        for (Beam each : beams) {
            FinishReason reason = stopping.check(each.hypothesis());
            if (reason == null) {
                going.add(each);
            } else if (completed(each.hypothesis())) {
                found.add(each.hypothesis(), reason, each.score());
                completed++;
            } else {
                without.add(each);
            }
        }
        if (going.isEmpty() && completed < options.returned()) {
            without.forEach(each -> found.add(each.hypothesis(), stopping.check(each.hypothesis()), each.score()));
        }
        return going;
    }

    @Override
    public List<Hypothesis> results() {
        return BeamHypotheses.best(found.found(), prompt, options.returned());
    }

    @Override
    public List<Hypothesis> candidates(int result) {
        if (prompt == null) {
            return List.of();
        }
        return running.isEmpty()
                ? List.of(results().get(result))
                : Stream.concat(running.stream().map(Beam::hypothesis), found.found().stream())
                        .toList();
    }
}
