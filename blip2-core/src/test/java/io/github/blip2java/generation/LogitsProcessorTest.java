/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LogitsProcessorTest {

    @Test
    void endTokensAreForbiddenWhileTooFewTokensAreNew() {
        LogitsProcessor processor = LogitsProcessor.minNewTokens(2, 3, 0, 2);
        for (int length = 2; length < 5; length++) {
            float[] scores = {5, 4, 3, 2};
            processor.process(new int[8], length, scores);
            assertThat(scores).containsExactly(Float.NEGATIVE_INFINITY, 4, Float.NEGATIVE_INFINITY, 2);
        }
        float[] scores = {5, 4, 3, 2};
        processor.process(new int[8], 5, scores);
        assertThat(scores).containsExactly(5, 4, 3, 2);
        LogitsProcessor.NONE.process(new int[8], 0, scores);
        assertThat(scores).containsExactly(5, 4, 3, 2);
    }

    @Test
    void noSumOverflows() {
        float[] scores = {5, 4};
        LogitsProcessor.minNewTokens(100, Integer.MAX_VALUE, 1).process(new int[101], 101, scores);
        assertThat(scores).containsExactly(5, Float.NEGATIVE_INFINITY);
    }
}
