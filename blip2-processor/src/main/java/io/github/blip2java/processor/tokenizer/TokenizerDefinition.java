/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What the files of a checkpoint say about its tokenizer.
 *
 * @param source the file with the vocabulary, for messages
 * @param json a complete {@code tokenizer.json}, all added tokens in it, without padding and truncation
 * @param vocabulary every token and its id
 * @param specials special tokens by role, such as {@code eos_token}
 * @param imageToken the token that stands for a piece of an image
 * @param cleanUp whether decoding removes spaces before punctuation
 * @param normalizer the normalizer alone, as JSON
 * @param normalizedTokens added tokens that the normalizer changes before they are looked for; empty where there is none
 * @param modelMaxLength the longest text in tokens, empty for no limit
 */
record TokenizerDefinition(
        Path source,
        String json,
        Map<String, Integer> vocabulary,
        Map<String, String> specials,
        String imageToken,
        boolean cleanUp,
        String normalizer,
        List<String> normalizedTokens,
        OptionalInt modelMaxLength) {}
