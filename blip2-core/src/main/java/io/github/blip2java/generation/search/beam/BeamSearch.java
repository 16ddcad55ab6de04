/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.beam;

import io.github.blip2java.generation.EarlyStopping;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.StoppingCriteria;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.Multinomial;
import io.github.blip2java.generation.search.Search;
import io.github.blip2java.generation.search.TopK;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * Keeps the best sequences at every step, for one prompt. Reference: {@code _beam_search}, whose float32 arithmetic, large negative
 * scores included, decides what is found where few tokens are allowed.
 *
 * <p>Where the processors allow fewer sequences than are to be returned, the rest are without new tokens and have the score −10⁹.
 */
public final class BeamSearch implements Search {
    private final BeamOptions options;
    private final StoppingCriteria stopping;
    private final Selection selection;
    private Hypothesis prompt;
    private boolean done;

    /** What goes on, row by row. */
    private List<Beam> running;

    /** What has ended, the best first, with the length penalty in its score. */
    private List<Beam> finished = List.of();

    /**
     * Takes the best continuations.
     *
     * @param options  how many beams, and when they end
     * @param stopping says when a sequence is finished
     */
    public BeamSearch(BeamOptions options, StoppingCriteria stopping) {
        this(options, stopping, TopK::of);
    }

    /**
     * Draws the continuations by their probabilities, none twice.
     *
     * @param options  how many beams, and when they end
     * @param stopping says when a sequence is finished
     * @param random   of this prompt
     */
    public BeamSearch(BeamOptions options, StoppingCriteria stopping, RandomGenerator random) {
        this(options, stopping, (sums, count) -> Multinomial.withoutReplacement(sums, count, random));
    }

    /**
     * Takes continuations in any way.
     *
     * @param options   how many beams, and when they end
     * @param stopping  says when a sequence is finished
     * @param selection chooses the continuations
     */
    public BeamSearch(BeamOptions options, StoppingCriteria stopping, Selection selection) {
        this.options = options;
        this.stopping = stopping;
        this.selection = selection;
    }

    @Override
    public List<Hypothesis> next(Frontier frontier) {
        if (prompt == null) {
            prompt = frontier.hypothesis(0);
            running = Beam.start(prompt, options.beams());
        }
        int count = Math.min(options.candidates(options.beams()), running.size() * frontier.vocabulary());
        List<Beam> continuations = Continuation.choose(frontier, running, count, selection).stream()
                .map(each -> beam(each, frontier))
                .toList();
        running = best(continuations.stream()
                .map(each -> each.ended() ? new Beam(each.hypothesis(), each.score() + Beam.NOTHING) : each));
        // Only the first may end; the others are there so that enough go on.
        finish(continuations.subList(0, Math.min(options.beams(), continuations.size())));
        boolean allEnded =
                continuations.size() == count && continuations.stream().allMatch(Beam::ended);
        done = allEnded || running.isEmpty() || !improvable();
        return done ? List.of() : running.stream().map(Beam::hypothesis).toList();
    }

    private Beam beam(Continuation continuation, Frontier frontier) {
        Hypothesis longer = continuation.extend(frontier);
        return new Beam(longer.finish(stopping.check(longer)), continuation.sum());
    }

    private void finish(List<Beam> continuations) {
        List<Beam> all = new ArrayList<>(finished);
        for (Beam each : continuations) {
            Hypothesis hypothesis = each.hypothesis();
            float score = options.penalised(each.score(), hypothesis.newTokens());
            if (each.ended() && score > Beam.NOTHING) {
                all.add(new Beam(hypothesis.finish(hypothesis.finishReason(), score), score));
            }
        }
        finished = best(all.stream());
    }

    private List<Beam> best(Stream<Beam> beams) {
        return beams.sorted(Comparator.comparing(Beam::score).reversed())
                .limit(options.beams())
                .toList();
    }

    private boolean improvable() {
        boolean full = finished.size() == options.beams();
        if (full && options.earlyStopping() == EarlyStopping.TRUE) {
            return false;
        }
        boolean longest = options.earlyStopping() == EarlyStopping.NEVER && options.lengthPenalty() > 0;
        Beam best = running.get(0);
        int length = longest ? options.maxNewTokens() : best.hypothesis().newTokens();
        float worst = full ? finished.get(finished.size() - 1).score() : Beam.NOTHING;
        return options.penalised(best.score(), length) > worst;
    }

    @Override
    public List<Hypothesis> results() {
        List<Hypothesis> results = new ArrayList<>();
        for (int i = 0; i < options.returned(); i++) {
            results.add(
                    i < finished.size()
                            ? finished.get(i).hypothesis()
                            : prompt.finish(FinishReason.STOPPED, Beam.NOTHING));
        }
        return results;
    }

    @Override
    public List<Hypothesis> candidates(int result) {
        if (done) {
            return List.of(results().get(result));
        }
        List<Hypothesis> candidates = new ArrayList<>();
        if (prompt != null) {
            running.forEach(beam -> candidates.add(beam.hypothesis()));
            finished.forEach(beam -> candidates.add(beam.hypothesis()));
        }
        return candidates;
    }
}
