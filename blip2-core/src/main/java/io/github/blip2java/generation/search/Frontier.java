/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.language.DecoderState;
import java.util.Arrays;
import java.util.List;

/** The sequences that were decoded last, in the order of their rows, and what the model says of their next tokens. */
public final class Frontier {
    private final List<Hypothesis> hypotheses;
    private final DecoderState state;
    private final LogitsProcessor processor;
    private final Kept kept;
    /** The row of the state that the first sequence has. */
    private final int start;

    private final float[] logSums;

    /**
     * What hypotheses keep of the step that made them.
     *
     * @param logProbabilities what the model gives each token
     * @param scores           the processed scores of all tokens
     * @param logits           what the model gives all tokens
     * @param passes           what happened inside the model
     */
    public record Kept(boolean logProbabilities, boolean scores, boolean logits, boolean passes) {
        /** Tokens alone. */
        public static final Kept NOTHING = new Kept(false, false, false, false);
    }

    /**
     * Looks at a state.
     *
     * @param hypotheses the sequence of each row
     * @param state      what was decoded
     * @param processor  changes the scores
     * @param kept       what hypotheses are to keep
     * @throws IllegalStateException if a logit is no finite number, and no processor replaces it
     */
    public Frontier(List<Hypothesis> hypotheses, DecoderState state, LogitsProcessor processor, Kept kept) {
        this(List.copyOf(hypotheses), state, processor, kept, 0);
        if (!processor.repairsScores()) {
            check(state.logits().data());
        }
        processor.begin(this.hypotheses);
    }

    private Frontier(List<Hypothesis> hypotheses, DecoderState state, LogitsProcessor processor, Kept kept, int start) {
        this.hypotheses = hypotheses;
        this.state = state;
        this.processor = processor;
        this.kept = kept;
        this.start = start;
        this.logSums = new float[hypotheses.size()];
        Arrays.fill(logSums, Float.NaN);
    }

    /**
     * Some of the sequences, such as those of one prompt.
     *
     * @param from  the first row
     * @param count how many
     * @return a view with rows 0 to count - 1
     */
    public Frontier rows(int from, int count) {
        return new Frontier(hypotheses.subList(from, from + count), state, processor, kept, start + from);
    }

    /** No model means NaN or infinity by a score, and the largest of such scores would be a wrong answer. */
    private void check(float[] logits) {
        for (int i = 0; i < logits.length; i++) {
            if (!Float.isFinite(logits[i])) {
                throw new IllegalStateException(
                        "logits: expected finite numbers, got " + logits[i]
                                + " for token " + i % vocabulary()
                                + "; the weights overflow or are damaged: run `blip2 verify`, or download the checkpoint again");
            }
        }
    }

    /** {@return the number of sequences} */
    public int size() {
        return hypotheses.size();
    }

    /**
     * A sequence.
     *
     * @param row 0 to size - 1
     * @return the sequence of that row
     */
    public Hypothesis hypothesis(int row) {
        return hypotheses.get(row);
    }

    /** {@return scores a row} */
    public int vocabulary() {
        return state.logits().cols();
    }

    /**
     * The scores after the processors, as greedy search and sampling read them. Reference: {@code _sample}.
     *
     * @param row which sequence
     * @return {@code [vocab]}, the caller's own
     */
    public float[] scores(int row) {
        float[] scores = logits(row);
        processor.process(hypotheses.get(row), scores);
        return scores;
    }

    /**
     * The log-probabilities, changed by the processors, as beam searches read them. Reference: {@code _beam_search}, which normalises
     * first and processes then.
     *
     * @param row which sequence
     * @return {@code [vocab]}, the caller's own
     */
    public float[] logProbabilities(int row) {
        float[] scores = logits(row);
        float sum = logSum(row);
        for (int token = 0; token < scores.length; token++) {
            scores[token] -= sum;
        }
        processor.process(hypotheses.get(row), scores);
        return scores;
    }

    /**
     * The logits of the model.
     *
     * @param row which sequence
     * @return {@code [vocab]}, the caller's own
     */
    public float[] logits(int row) {
        int vocab = vocabulary();
        int first = (start + row) * vocab;
        return Arrays.copyOfRange(state.logits().data(), first, first + vocab);
    }

    /**
     * The final hidden states of the last pass: at first those of the prompt, then that of the last token.
     *
     * @param row which sequence
     * @return {@code [positions][hidden]}
     */
    public float[][] hidden(int row) {
        var hidden = state.hidden(start + row);
        float[][] rows = new float[hidden.rows()][];
        Arrays.setAll(rows, i -> Arrays.copyOfRange(hidden.data(), i * hidden.cols(), (i + 1) * hidden.cols()));
        return rows;
    }

    /**
     * Goes on with a token.
     *
     * @param row    which sequence
     * @param token  the token
     * @param score  the score of the longer sequence
     * @param scores what the token was chosen from
     * @return the longer sequence
     */
    public Hypothesis extend(int row, int token, double score, float[] scores) {
        return extend(row, token, token, score, scores);
    }

    /**
     * Goes on with a token, in whose place another is written.
     *
     * @param row     which sequence
     * @param token   the token
     * @param written the id that the longer sequence ends with
     * @param score   the score of the longer sequence
     * @param scores  what the token was chosen from
     * @return the longer sequence
     */
    public Hypothesis extend(int row, int token, int written, double score, float[] scores) {
        float logProbability = kept.logProbabilities
                ? state.logits().data()[(start + row) * vocabulary() + token] - logSum(row)
                : Float.NaN;
        return hypotheses
                .get(row)
                .extend(start + row, row, written, score, logProbability, kept.scores ? scores : null)
                .keep(kept.logits ? logits(row) : null, kept.passes ? state.pass(start + row) : null);
    }

    /** log Σ e^logit of a row. */
    private float logSum(int row) {
        if (Float.isNaN(logSums[row])) {
            logSums[row] = LogSoftmax.logSum(state.logits().data(), (start + row) * vocabulary(), vocabulary());
        }
        return logSums[row];
    }
}
