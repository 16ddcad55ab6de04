/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.StoppingCriteria;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes tokens that are probable and yet unlike what is there, for one prompt (Su et al. 2022, arXiv 2202.06417, equation 5). Reference:
 * {@code _contrastive_search} of {@code transformers} 4.57.
 *
 * <p>The most probable tokens are decoded one beside the other; then the one is kept that has the largest (1 − α) · probability − α ·
 * largest cosine between its hidden state and one before it. Forbidden tokens are no candidates, even where the reference would fill up
 * with them.
 */
public final class ContrastiveSearch implements Search {
    private final float alpha;
    private final int topK;
    private final StoppingCriteria stopping;
    /** The hidden states of all positions so far, of length 1. */
    private final List<float[]> context = new ArrayList<>();
    /** The probabilities of the tokens that are being tried, row by row. */
    private float[] probabilities;
    /** What is settled. */
    private Hypothesis settled;

    /**
     * Starts a search.
     *
     * @param alpha    how much likeness counts, 0 to 1
     * @param topK     tokens that are tried, 1 or more
     * @param stopping says when a sequence is finished
     */
    public ContrastiveSearch(double alpha, int topK, StoppingCriteria stopping) {
        this.alpha = (float) alpha;
        this.topK = topK;
        this.stopping = stopping;
    }

    @Override
    public List<Hypothesis> next(Frontier frontier) {
        int row = 0;
        if (settled == null) {
            for (float[] state : frontier.hidden(0)) {
                context.add(unit(state));
            }
            settled = frontier.hypothesis(0);
        } else {
            row = choose(frontier);
            Hypothesis chosen = frontier.hypothesis(row);
            settled = chosen.finish(stopping.check(chosen));
            if (settled.finishReason() != null) {
                return List.of();
            }
        }
        float[] scores = frontier.scores(row);
        int[] tokens = TopK.of(scores, topK);
        if (tokens.length == 0) {
            throw Multinomial.nothingAllowed(scores);
        }
        float sum = LogSoftmax.logSum(scores, 0, scores.length);
        List<Hypothesis> tried = new ArrayList<>();
        probabilities = new float[tokens.length];
        for (int i = 0; i < tokens.length; i++) {
            probabilities[i] = (float) Math.exp(scores[tokens[i]] - sum);
            tried.add(frontier.extend(row, tokens[i], 0, scores));
        }
        return tried;
    }

    /** The row of the best of the tokens that were tried, whose hidden state is kept. */
    private int choose(Frontier frontier) {
        int best = 0;
        float bestScore = Float.NEGATIVE_INFINITY;
        float[] bestState = null;
        for (int row = 0; row < frontier.size(); row++) {
            float[] state = unit(frontier.hidden(row)[0]);
            float score = (1 - alpha) * probabilities[row] - alpha * likeness(state);
            if (score > bestScore) {
                best = row;
                bestScore = score;
                bestState = state;
            }
        }
        context.add(bestState);
        return best;
    }

    /** The largest cosine with a state before. */
    private float likeness(float[] state) {
        double largest = -1;
        for (float[] before : context) {
            double dot = 0;
            for (int i = 0; i < state.length; i++) {
                dot += before[i] * state[i];
            }
            largest = Math.max(largest, dot);
        }
        return (float) largest;
    }

    private static float[] unit(float[] state) {
        double squares = 0;
        for (float each : state) {
            squares += (double) each * each;
        }
        float[] unit = new float[state.length];
        double norm = Math.max(Math.sqrt(squares), Float.MIN_NORMAL);
        for (int i = 0; i < unit.length; i++) {
            unit[i] = (float) (state[i] / norm);
        }
        return unit;
    }

    @Override
    public List<Hypothesis> results() {
        return List.of(settled);
    }

    @Override
    public List<Hypothesis> candidates(int result) {
        return settled == null ? List.of() : List.of(settled);
    }
}
