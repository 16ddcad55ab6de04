/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import io.github.blip2java.generation.StoppingCriteria;

/** Takes the most probable token every time. */
public final class GreedySearch extends RowSearch {

    /**
     * Starts a search.
     *
     * @param prompts  how many
     * @param stopping says when a sequence is finished
     */
    public GreedySearch(int prompts, StoppingCriteria stopping) {
        super(prompts, 1, stopping);
    }

    @Override
    protected int choose(int sequence, float[] scores) {
        return best(scores);
    }

    /**
     * The most probable token.
     *
     * @param scores {@code [vocab]}
     * @return the first of the highest scores
     */
    public static int best(float[] scores) {
        int best = 0;
        for (int token = 1; token < scores.length; token++) {
            if (scores[token] > scores[best]) {
                best = token;
            }
        }
        return best;
    }
}
