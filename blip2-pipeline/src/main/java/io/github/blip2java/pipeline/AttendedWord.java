/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.AttentionMap;
import java.util.List;

/**
 * A word of a text, and what it looks at in the picture.
 *
 * @param word the word with the punctuation that hangs on it, without spaces around it
 * @param tokenIds the ids that spell it; unmodifiable
 * @param map the mean over these ids of {@link io.github.blip2java.Blip2ForConditionalGeneration#attentionMaps}
 */
public record AttendedWord(String word, List<Long> tokenIds, AttentionMap map) {

    /**
     * Copies the list.
     *
     * @param word as above
     * @param tokenIds as above
     * @param map as above
     */
    public AttendedWord {
        tokenIds = List.copyOf(tokenIds);
    }
}
