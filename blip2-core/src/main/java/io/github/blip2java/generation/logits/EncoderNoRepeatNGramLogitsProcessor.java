/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/**
 * Forbids tokens that would complete a run of tokens of the prompt's text. Reference: {@code EncoderNoRepeatNGramLogitsProcessor}, which
 * there needs a model that reads ids.
 */
public final class EncoderNoRepeatNGramLogitsProcessor implements LogitsProcessor {
    private final int size;

    /**
     * Sets the length.
     *
     * @param size tokens of a run, 1 or more
     * @throws IllegalArgumentException if it is not
     */
    public EncoderNoRepeatNGramLogitsProcessor(int size) {
        this.size = Requirement.atLeast(1, "encoderNoRepeatNgramSize", size);
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        NoRepeatNGramLogitsProcessor.forbid(hypothesis.promptIds(), hypothesis.ids(), size, scores);
    }
}
