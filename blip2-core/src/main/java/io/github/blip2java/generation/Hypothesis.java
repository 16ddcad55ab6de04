/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.language.DecoderPass;
import java.util.Arrays;

/**
 * A sequence that is being written: the ids so far, where it came from, and how it scores.
 *
 * <p>Immutable but for its end; belongs to one call and thread. Each hypothesis is its parent with one token more, so that whatever is known of each step can be
 * found by going back.
 */
public final class Hypothesis {
    /** Ids that there is room for at least, when there is need of more. */
    private static final int STEP = 16;

    private final Hypothesis parent;
    private final int parentRow;
    private final int parentBeam;
    private final int prompt;
    private final int prefixLength;
    private final int[] promptIds;
    private final float logProbability;
    private final float[] scores;
    private final int length;
    /** Shared with the parent and with the first child, which write behind its end. */
    private final int[] ids;

    private float[] logits;
    private DecoderPass pass;
    private boolean extended;
    private double score;
    private FinishReason finishReason;

    private Hypothesis(
            Hypothesis parent,
            int parentRow,
            int parentBeam,
            int[] ids,
            int length,
            double score,
            float logProbability,
            float[] scores) {
        this.parent = parent;
        this.parentRow = parentRow;
        this.parentBeam = parentBeam;
        this.prompt = parent.prompt;
        this.prefixLength = parent.prefixLength;
        this.promptIds = parent.promptIds;
        this.ids = ids;
        this.length = length;
        this.score = score;
        this.logProbability = logProbability;
        this.scores = scores;
    }

    private Hypothesis(Hypothesis same) {
        this.parent = same.parent;
        this.parentRow = same.parentRow;
        this.parentBeam = same.parentBeam;
        this.prompt = same.prompt;
        this.prefixLength = same.prefixLength;
        this.promptIds = same.promptIds;
        this.ids = same.ids;
        this.length = same.length;
        this.score = same.score;
        this.logProbability = same.logProbability;
        this.scores = same.scores;
        this.logits = same.logits;
        this.pass = same.pass;
        this.extended = true;
    }

    private Hypothesis(int prompt, int[] prefix, int[] promptIds) {
        this.parent = null;
        this.parentRow = prompt;
        this.parentBeam = 0;
        this.prompt = prompt;
        this.prefixLength = prefix.length;
        this.promptIds = promptIds;
        this.ids = prefix;
        this.length = prefix.length;
        this.score = 0;
        this.logProbability = Float.NaN;
        this.scores = null;
    }

    /**
     * Starts a sequence.
     *
     * @param prompt    which prompt of the batch
     * @param prefix    ids before the first new token, as the reference counts them: image ids and prompt of a decoder-only
     *                  model, the start token of an encoder–decoder model
     * @param promptIds ids of the prompt's text, without image ids and padding
     * @return a sequence without new tokens
     */
    public static Hypothesis of(int prompt, int[] prefix, int[] promptIds) {
        return new Hypothesis(prompt, prefix.clone(), promptIds.clone());
    }

    /**
     * Goes on by a token, where no other sequence of its prompt is being decoded.
     *
     * @param row            the row of this sequence among those that are being decoded
     * @param token          the token
     * @param newScore       the score of the longer sequence
     * @param logProbability what the model gives the token after this sequence, before any processor; NaN where it is not to be kept
     * @param stepScores     {@code [vocab]}: the processed scores that the token was chosen from, where they are to be kept; else null
     * @return the longer sequence
     */
    public Hypothesis extend(int row, int token, double newScore, float logProbability, float[] stepScores) {
        return extend(row, 0, token, newScore, logProbability, stepScores);
    }

    /**
     * Goes on by a token.
     *
     * @param row            the row of this sequence among those that are being decoded
     * @param beam           its row among those of its prompt
     * @param token          the token
     * @param newScore       the score of the longer sequence
     * @param logProbability what the model gives the token after this sequence, before any processor; NaN where it is not to be kept
     * @param stepScores     {@code [vocab]}: the processed scores that the token was chosen from, where they are to be kept; else null
     * @return the longer sequence
     */
    public Hypothesis extend(int row, int beam, int token, double newScore, float logProbability, float[] stepScores) {
        int[] longer = ids;
        if (extended || length == ids.length) {
            longer = Arrays.copyOf(ids, length + Math.max(STEP, length / 2));
        } else {
            extended = true;
        }
        longer[length] = token;
        return new Hypothesis(this, row, beam, longer, length + 1, newScore, logProbability, stepScores);
    }

    /**
     * Goes back, for a generation that was cancelled.
     *
     * @param tokens new tokens to keep
     * @return the sequence as it was then, ended by {@link FinishReason#CANCELLED}
     */
    Hypothesis beginning(int tokens) {
        Hypothesis earlier = this;
        while (earlier.newTokens() > tokens) {
            earlier = earlier.parent;
        }
        Hypothesis copy = new Hypothesis(earlier);
        return copy.finish(FinishReason.CANCELLED);
    }

    /** {@return the sequence without its last token; null where there is no new token} */
    public Hypothesis parent() {
        return parent;
    }

    /** {@return the row that the parent had among those that were decoded together} */
    public int parentRow() {
        return parentRow;
    }

    /** {@return the row that the parent had among those of its prompt: which beam it was} */
    public int parentBeam() {
        return parentBeam;
    }

    /** {@return which prompt of the batch this continues} */
    public int prompt() {
        return prompt;
    }

    /** {@return ids in all, those before the new tokens included} */
    public int length() {
        return length;
    }

    /** {@return ids before the first new token} */
    public int prefixLength() {
        return prefixLength;
    }

    /** {@return new tokens} */
    public int newTokens() {
        return length - prefixLength;
    }

    /**
     * One id.
     *
     * @param position 0 to length - 1, those before the new tokens included
     * @return the id there
     */
    public int id(int position) {
        if (position >= length) {
            throw new IndexOutOfBoundsException("position: expected below " + length + ", got " + position);
        }
        return ids[position];
    }

    /** {@return the last id} */
    public int lastToken() {
        return ids[length - 1];
    }

    /** {@return a copy of all ids} */
    public int[] ids() {
        return Arrays.copyOf(ids, length);
    }

    /** {@return a copy of the new tokens} */
    public int[] tokens() {
        return Arrays.copyOfRange(ids, prefixLength, length);
    }

    /** {@return a copy of the ids of the prompt's text, without image ids and padding} */
    public int[] promptIds() {
        return promptIds.clone();
    }

    /** {@return the score that the search gave it: for beams the sum of log-probabilities after the processors, divided once
     * the sequence has ended by its length to the power of the length penalty} */
    public double score() {
        return score;
    }

    /** {@return what the model gave the last token, before any processor; NaN where it was not kept} */
    public float logProbability() {
        return logProbability;
    }

    /** {@return {@code [vocab]}: the processed scores that the last token was chosen from; null where they were not kept} */
    public float[] scores() {
        return scores;
    }

    /**
     * Keeps what else is known of the step that made it.
     *
     * @param stepLogits {@code [vocab]}: what the model gave; null where it is not to be kept
     * @param stepPass   what happened inside the model; null where it is not to be kept
     * @return this
     */
    public Hypothesis keep(float[] stepLogits, DecoderPass stepPass) {
        logits = stepLogits;
        pass = stepPass;
        return this;
    }

    /** {@return {@code [vocab]}: what the model gave before the last token; null where it was not kept} */
    public float[] logits() {
        return logits;
    }

    /** {@return what happened inside the model before the last token; null where it was not kept} */
    public DecoderPass pass() {
        return pass;
    }

    /** {@return why it ended; null while it goes on} */
    public FinishReason finishReason() {
        return finishReason;
    }

    /**
     * Ends it.
     *
     * @param reason why; null changes nothing
     * @return this
     */
    public Hypothesis finish(FinishReason reason) {
        if (reason != null) {
            finishReason = reason;
        }
        return this;
    }

    /**
     * Ends it with the score by which it is compared to others.
     *
     * @param reason     why
     * @param finalScore what {@link #score} is from now on
     * @return this
     */
    public Hypothesis finish(FinishReason reason, double finalScore) {
        score = finalScore;
        return finish(reason);
    }
}
