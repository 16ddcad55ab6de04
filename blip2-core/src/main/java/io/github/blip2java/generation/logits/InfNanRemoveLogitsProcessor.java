/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/**
 * Replaces scores that are no finite numbers: NaN by 0, infinity by the largest number of its sign, so that a token is never forbidden but
 * nearly so. Reference: {@code InfNanRemoveLogitsProcessor}.
 */
public final class InfNanRemoveLogitsProcessor implements LogitsProcessor {

    /** Has no settings. */
    public InfNanRemoveLogitsProcessor() {}

    @Override
    public boolean repairsScores() {
        return true;
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        for (int id = 0; id < scores.length; id++) {
            float bounded = Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, scores[id]));
            scores[id] = Float.isNaN(bounded) ? 0 : bounded;
        }
    }
}
