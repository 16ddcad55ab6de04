/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import io.github.blip2java.generation.EarlyStopping;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.StoppingCriteria;
import java.util.ArrayList;
import java.util.Arrays;
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
    /** What a sequence that must not go on scores at most. */
    private static final float NOTHING = -1e9f;

    private final BeamOptions options;
    private final StoppingCriteria stopping;
    private final RandomGenerator random;
    private Hypothesis prompt;
    private boolean done;

    /** What goes on, row by row, and the sum of its log-probabilities; at first all beams are the prompt, and but one hardly count. */
    private List<Beam> running = new ArrayList<>();

    /** What has ended, the best first, and its score with the length penalty. */
    private List<Beam> finished = new ArrayList<>();

    private record Beam(Hypothesis hypothesis, float score) {
        boolean ended() {
            return hypothesis.finishReason() != null;
        }
    }

    /**
     * Takes the best continuations.
     *
     * @param options  how many beams, and when they end
     * @param stopping says when a sequence is finished
     */
    public BeamSearch(BeamOptions options, StoppingCriteria stopping) {
        this(options, stopping, null);
    }

    /**
     * Draws the continuations by their probabilities, none twice.
     *
     * @param options  how many beams, and when they end
     * @param stopping says when a sequence is finished
     * @param random   of this prompt; null takes the best
     */
    public BeamSearch(BeamOptions options, StoppingCriteria stopping, RandomGenerator random) {
        this.options = options;
        this.stopping = stopping;
        this.random = random;
    }

    @Override
    public List<Hypothesis> next(Frontier frontier) {
        if (prompt == null) {
            prompt = frontier.hypothesis(0);
            for (int beam = 0; beam < options.beams(); beam++) {
                running.add(new Beam(prompt, beam == 0 ? 0 : NOTHING));
            }
        }
        int count = Math.min(options.candidates(options.beams()), running.size() * frontier.vocabulary());
        List<Beam> continuations = continuations(frontier, count);
        running = best(continuations.stream()
                .map(each -> each.ended() ? new Beam(each.hypothesis, each.score + NOTHING) : each));
        // Only the first may end; the others are there so that enough go on.
        finish(continuations.subList(0, Math.min(options.beams(), continuations.size())));
        boolean allEnded =
                continuations.size() == count && continuations.stream().allMatch(Beam::ended);
        done = allEnded || running.isEmpty() || !improvable();
        return done ? List.of() : running.stream().map(Beam::hypothesis).toList();
    }

    /** The continuations of all beams that are looked at, the best or those drawn first; fewer where fewer are allowed. */
    private List<Beam> continuations(Frontier frontier, int count) {
        int vocab = frontier.vocabulary();
        float[][] scores = new float[frontier.size()][];
        Arrays.setAll(scores, frontier::logProbabilities);
        float[] sums = new float[running.size() * vocab];
        for (int beam = 0; beam < running.size(); beam++) {
            float[] each = scores[row(frontier, beam)];
            float sum = running.get(beam).score;
            for (int token = 0; token < vocab; token++) {
                sums[beam * vocab + token] = each[token] + sum;
            }
        }
        int[] chosen = random == null ? TopK.of(sums, count) : Multinomial.withoutReplacement(sums, count, random);
        List<Beam> continuations = new ArrayList<>();
        for (int i : chosen) {
            int row = row(frontier, i / vocab);
            Hypothesis longer = frontier.extend(row, i % vocab, sums[i], scores[row]);
            continuations.add(new Beam(longer.finish(stopping.check(longer)), sums[i]));
        }
        return continuations;
    }

    /** At first there is one row for all beams. */
    private static int row(Frontier frontier, int beam) {
        return Math.min(beam, frontier.size() - 1);
    }

    private void finish(List<Beam> continuations) {
        List<Beam> all = new ArrayList<>(finished);
        for (Beam each : continuations) {
            Hypothesis hypothesis = each.hypothesis;
            float score = options.penalised(each.score, hypothesis.newTokens());
            if (each.ended() && score > NOTHING) {
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
        int length = longest ? options.maxNewTokens() : best.hypothesis.newTokens();
        float worst = full ? finished.get(finished.size() - 1).score : NOTHING;
        return options.penalised(best.score, length) > worst;
    }

    @Override
    public List<Hypothesis> results() {
        List<Hypothesis> results = new ArrayList<>();
        for (int i = 0; i < options.returned(); i++) {
            results.add(
                    i < finished.size() ? finished.get(i).hypothesis : prompt.finish(FinishReason.STOPPED, NOTHING));
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
            running.forEach(beam -> candidates.add(beam.hypothesis));
            finished.forEach(beam -> candidates.add(beam.hypothesis));
        }
        return candidates;
    }
}
