/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.folder;

import io.github.blip2java.pipeline.GeneratedText;

/**
 * What stands around each text.
 *
 * @param prefix before it
 * @param suffix behind it
 */
public record Affixes(String prefix, String suffix) {
    GeneratedText put(GeneratedText text) {
        return prefix.isEmpty() && suffix.isEmpty()
                ? text
                : new GeneratedText(
                        prefix + text.text() + suffix,
                        text.tokenIds(),
                        text.finishReason(),
                        text.logProbabilities(),
                        text.score(),
                        text.alternatives().stream().map(this::put).toList());
    }
}
