/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.assisted;

import io.github.blip2java.language.DecoderState;

/** A smaller model of the same vocabulary, whose guesses another checks. Reference: {@code assistant_model}. */
public interface Assistant {

    /** {@return its number of tokens, that of the other model} */
    int vocabSize();

    /**
     * Reads a prompt.
     *
     * @param prompt       which of the batch
     * @param maxNewTokens tokens that may follow
     * @return a state of one row; its user's own
     */
    DecoderState start(int prompt, int maxNewTokens);
}
