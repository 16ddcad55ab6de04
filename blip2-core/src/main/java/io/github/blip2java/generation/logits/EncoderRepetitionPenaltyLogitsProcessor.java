/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/**
 * Makes tokens of the prompt's text more probable. Reference: {@code EncoderRepetitionPenaltyLogitsProcessor}, which there needs a model
 * that reads ids.
 */
public final class EncoderRepetitionPenaltyLogitsProcessor implements LogitsProcessor {
    private final float penalty;

    /**
     * Sets the penalty of what is not in the prompt.
     *
     * @param penalty positive scores of the prompt's tokens are multiplied by it, negative ones divided; above 0, below 1 to avoid them
     * @throws IllegalArgumentException if it is not
     */
    public EncoderRepetitionPenaltyLogitsProcessor(double penalty) {
        this.penalty = (float) (1 / Requirement.positive("encoderRepetitionPenalty", penalty, "1 changes nothing"));
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        RepetitionPenaltyLogitsProcessor.penalise(hypothesis.promptIds(), penalty, scores);
    }
}
