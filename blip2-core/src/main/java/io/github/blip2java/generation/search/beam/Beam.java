/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.beam;

import io.github.blip2java.generation.Hypothesis;
import java.util.ArrayList;
import java.util.List;

/**
 * A sequence that goes on beside others.
 *
 * @param hypothesis the sequence
 * @param score      the sum of its log-probabilities, in float32 as the reference's
 */
record Beam(Hypothesis hypothesis, float score) {
    /** What a sequence that must not go on scores at most. */
    static final float NOTHING = -1e9f;

    /** Beams that are the prompt still: all but one hardly count, so that they do not all take the same tokens. */
    static List<Beam> start(Hypothesis prompt, int beams) {
        List<Beam> start = new ArrayList<>();
        for (int beam = 0; beam < beams; beam++) {
            start.add(new Beam(prompt, beam == 0 ? 0 : NOTHING));
        }
        return start;
    }

    boolean ended() {
        return hypothesis.finishReason() != null;
    }
}
