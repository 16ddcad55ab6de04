/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;

/** Divides scores: below 1 the probable tokens become more probable. Reference: {@code TemperatureLogitsWarper}. */
public final class TemperatureLogitsWarper implements LogitsProcessor {
    private final float temperature;

    /**
     * Sets the divisor.
     *
     * @param temperature above 0
     * @throws IllegalArgumentException if it is not
     */
    public TemperatureLogitsWarper(double temperature) {
        this.temperature = (float) Requirement.positive(
                "temperature", temperature, "for the most probable token every time, leave do_sample out");
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        for (int id = 0; id < scores.length; id++) {
            scores[id] /= temperature;
        }
    }
}
