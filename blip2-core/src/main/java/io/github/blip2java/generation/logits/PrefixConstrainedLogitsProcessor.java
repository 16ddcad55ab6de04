/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.generation.PrefixAllowedTokens;
import java.util.Arrays;
import java.util.List;

/**
 * Forbids all but the tokens that a caller allows (De Cao et al. 2021, arXiv 2010.00904). Reference: {@code
 * PrefixConstrainedLogitsProcessor}.
 */
public final class PrefixConstrainedLogitsProcessor implements LogitsProcessor {
    /** Lower than any other beam, and little enough that sums with it stay exact to a thousandth. */
    private static final float STUCK = -1e4f;

    private final PrefixAllowedTokens allowedTokens;
    private List<Hypothesis> frontier = List.of();

    /**
     * Sets the rule.
     *
     * @param allowedTokens says which tokens may follow
     */
    public PrefixConstrainedLogitsProcessor(PrefixAllowedTokens allowedTokens) {
        this.allowedTokens = allowedTokens;
    }

    @Override
    public void begin(List<Hypothesis> sequences) {
        frontier = sequences;
    }

    /** Where all that is allowed is forbidden for another reason, the caller's rule wins; but not over other beams. */
    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        int[] allowed = allowed(hypothesis, scores.length);
        TokenForcing.keep(scores, allowed);
        boolean stuck = Arrays.stream(allowed).allMatch(id -> scores[id] == Float.NEGATIVE_INFINITY);
        if (stuck) {
            float score = isAlone(hypothesis) ? 0 : STUCK;
            Arrays.stream(allowed).forEach(id -> scores[id] = score);
        }
    }

    private boolean isAlone(Hypothesis hypothesis) {
        return frontier.stream().noneMatch(other -> other != hypothesis && other.prompt() == hypothesis.prompt());
    }

    private int[] allowed(Hypothesis hypothesis, int vocabulary) {
        int[] allowed = allowedTokens.after(hypothesis);
        if (allowed == null || allowed.length == 0) {
            throw new IllegalArgumentException(
                    "prefixAllowedTokens: expected at least one token id, got none for prompt "
                            + hypothesis.prompt() + " after " + hypothesis.newTokens()
                            + " new tokens; allow the end token where a text may end");
        }
        for (int id : allowed) {
            if (id < 0 || id >= vocabulary) {
                throw new IllegalArgumentException("prefixAllowedTokens: expected ids from 0 to " + (vocabulary - 1)
                        + ", got " + id + "; use ids of this model's tokenizer");
            }
        }
        return allowed;
    }
}
