/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

/** A caller's rule of what may follow. Reference: {@code prefix_allowed_tokens_fn}. */
@FunctionalInterface
public interface PrefixAllowedTokens {

    /**
     * Says which tokens may follow a sequence.
     *
     * @param hypothesis the sequence so far, and which prompt of the batch it continues
     * @return ids, at least one: where the text may end, the end token
     */
    int[] after(Hypothesis hypothesis);
}
