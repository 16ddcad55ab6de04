/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.beam;

/** Which continuations of beams are looked at. */
@FunctionalInterface
public interface Selection {

    /**
     * Chooses.
     *
     * @param sums  {@code [beams × vocab]}: the log-probabilities of each beam with each token that may follow, beam by beam; negative
     *              infinity where one may not
     * @param count how many to choose
     * @return indices into {@code sums}, those that may end first; fewer where fewer are allowed
     */
    int[] choose(float[] sums, int count);
}
