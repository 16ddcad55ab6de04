/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.beam;

import java.util.HashMap;
import java.util.Map;

/**
 * The tokens that groups of beams took in the present step: what a processor must know of a search that makes later groups avoid
 * what earlier ones took.
 */
public final class CurrentTokens {
    private final Map<Integer, Map<Integer, Integer>> counts = new HashMap<>();

    /** Before any group. */
    public CurrentTokens() {}

    /**
     * How often each token was taken.
     *
     * @param prompt which prompt of the batch
     * @return by token, the number of beams of its earlier groups that took it
     */
    public Map<Integer, Integer> counts(int prompt) {
        return counts.getOrDefault(prompt, Map.of());
    }

    /** Begins a step. */
    void clear(int prompt) {
        counts.put(prompt, new HashMap<>());
    }

    /** A beam of the prompt has taken a token. */
    void add(int prompt, int token) {
        counts.get(prompt).merge(token, 1, Integer::sum);
    }
}
