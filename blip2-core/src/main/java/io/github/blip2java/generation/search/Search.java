/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import io.github.blip2java.generation.Hypothesis;
import java.util.List;

/** A way to choose the next tokens. Belongs to one call. */
public interface Search {

    /**
     * Chooses what goes on.
     *
     * @param frontier the sequences that were decoded last, and the scores of their next tokens; at first one for each prompt
     * @return the sequences to decode next, each the {@linkplain Hypothesis#extend extension} of one of the frontier; empty when all is
     *     done
     */
    List<Hypothesis> next(Frontier frontier);

    /**
     * What was found.
     *
     * @return for every prompt, in order, its sequences, the best first, each with the reason why it ended; valid once {@link #next} has
     *     returned nothing
     */
    List<Hypothesis> results();

    /**
     * What may still become a result: what all of these begin with is settled.
     *
     * @param result which of {@link #results}
     * @return sequences, finished or not; empty where nothing is known yet
     */
    List<Hypothesis> candidates(int result);
}
