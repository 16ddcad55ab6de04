/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

/** Hears of the loops of {@link Parallel}, for measurements. */
@FunctionalInterface
public interface LoopListener {

    /**
     * Runs a loop. Called on the thread that asked for it, threads of a pool included where loops nest.
     *
     * @param n    number of indices
     * @param body what is done with each; its class tells what kind of work it is
     * @param loop does it, and is to be run once
     */
    void loop(int n, Object body, Runnable loop);
}
