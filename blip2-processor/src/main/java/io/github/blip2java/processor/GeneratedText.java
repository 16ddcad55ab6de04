/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import io.github.blip2java.generation.FinishReason;
import java.util.List;

/**
 * A caption or an answer.
 *
 * @param text the new text, without prompt, special tokens, and spaces around it; may be empty
 * @param tokenIds the new token ids, with the end token if there was one; unmodifiable
 * @param finishReason whether the model ended the text or the length limit cut it
 */
public record GeneratedText(String text, List<Long> tokenIds, FinishReason finishReason) {

    /**
     * Copies the ids.
     *
     * @param text as above
     * @param tokenIds as above
     * @param finishReason as above
     */
    public GeneratedText {
        tokenIds = List.copyOf(tokenIds);
    }
}
