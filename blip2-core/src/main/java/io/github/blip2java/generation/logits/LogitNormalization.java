/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.generation.search.LogSoftmax;

/** Makes logarithms of probabilities of scores. Reference: {@code LogitNormalization}. */
public final class LogitNormalization implements LogitsProcessor {

    /** Has no settings. */
    public LogitNormalization() {}

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        LogSoftmax.normalise(scores);
    }
}
