/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.language.DecoderState;
import java.util.List;

/** How the next tokens are chosen: one implementation a search method. */
interface DecodingStrategy {

    /**
     * Continues every row of a state until its stopping rule holds.
     *
     * @param state     the prompts, read; consumed by the search
     * @param prefix    {@code [rows, length]}: the ids before the first new token, as score processors see them
     * @param processor changes the scores before a token is chosen
     * @param stopping  says when a row is finished
     * @return one continuation a row
     */
    List<Continuation> decode(DecoderState state, int[][] prefix, LogitsProcessor processor, StoppingCriteria stopping);
}
