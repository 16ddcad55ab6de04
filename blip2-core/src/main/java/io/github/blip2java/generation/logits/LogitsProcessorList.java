/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import java.util.List;

/**
 * Processors one after the other.
 *
 * <p>Reference: {@code LogitsProcessorList}.
 *
 * @param processors in the order in which they run
 */
public record LogitsProcessorList(List<LogitsProcessor> processors) implements LogitsProcessor {

    /**
     * Copies the list.
     *
     * @param processors as above
     */
    public LogitsProcessorList {
        processors = List.copyOf(processors);
    }

    @Override
    public void begin(List<Hypothesis> sequences) {
        processors.forEach(each -> each.begin(sequences));
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        processors.forEach(each -> each.process(hypothesis, scores));
    }

    @Override
    public boolean repairsScores() {
        return processors.stream().anyMatch(LogitsProcessor::repairsScores);
    }
}
