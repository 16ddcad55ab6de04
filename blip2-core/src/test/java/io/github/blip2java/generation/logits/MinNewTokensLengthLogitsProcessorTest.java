/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import org.junit.jupiter.api.Test;

class MinNewTokensLengthLogitsProcessorTest {

    @Test
    void endTokensAreForbiddenWhileTooFewTokensAreNew() {
        LogitsProcessor processor = new MinNewTokensLengthLogitsProcessor(3, 0, 2);
        Hypothesis hypothesis = Hypothesis.of(0, new int[2], new int[0]);
        for (int newTokens = 0; newTokens < 3; newTokens++) {
            float[] scores = {5, 4, 3, 2};
            processor.process(hypothesis, scores);
            assertThat(scores).containsExactly(Float.NEGATIVE_INFINITY, 4, Float.NEGATIVE_INFINITY, 2);
            hypothesis = hypothesis.extend(0, 1, 0, 0, null);
        }
        float[] scores = {5, 4, 3, 2};
        processor.process(hypothesis, scores);
        assertThat(scores).containsExactly(5, 4, 3, 2);
    }
}
