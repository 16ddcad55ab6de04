/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import java.util.Arrays;

/** Scores that leave a choice of few tokens, or of all but a few. */
final class TokenForcing {
    private TokenForcing() {}

    /** Forbids some tokens. */
    static void forbid(float[] scores, int... ids) {
        for (int id : ids) {
            scores[id] = Float.NEGATIVE_INFINITY;
        }
    }

    /** Forbids all other tokens. */
    static void keep(float[] scores, int... ids) {
        float[] kept = new float[ids.length];
        for (int i = 0; i < ids.length; i++) {
            kept[i] = scores[ids[i]];
        }
        Arrays.fill(scores, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < ids.length; i++) {
            scores[ids[i]] = kept[i];
        }
    }

    /** Forbids all other tokens, and gives these the score 0. */
    static void force(float[] scores, int... ids) {
        Arrays.fill(scores, Float.NEGATIVE_INFINITY);
        for (int id : ids) {
            scores[id] = 0;
        }
    }
}
