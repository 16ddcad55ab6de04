/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.ProcessorOutput;
import io.github.blip2java.processor.TextOptions;
import io.github.blip2java.processor.TextOptions.Padding;
import io.github.blip2java.processor.TextOptions.Truncation;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Texts to ids for a retrieval model: words in each, and no more tokens than the model has positions. */
final class RetrievalTextEncoder {
    private static final Logger LOG = LoggerFactory.getLogger(RetrievalTextEncoder.class);

    private final Blip2Processor processor;
    private final int positions;
    private final AtomicBoolean cutLogged = new AtomicBoolean();

    /**
     * Knows the limit.
     *
     * @param positions tokens that a text may have, special ones included
     */
    RetrievalTextEncoder(Blip2Processor processor, int positions) {
        this.processor = processor;
        this.positions = positions;
    }

    /** Refuses texts without words, before any work. */
    static List<String> check(List<String> texts) {
        if (texts == null || texts.isEmpty()) {
            throw new IllegalArgumentException("texts: expected at least one text, got "
                    + (texts == null ? "null" : "none") + "; pass what the pictures are to be compared with");
        }
        for (int i = 0; i < texts.size(); i++) {
            String text = texts.get(i);
            if (text == null || text.isBlank()) {
                throw new IllegalArgumentException("texts: expected words, got "
                        + (text == null ? "null" : '"' + text + '"') + " in text " + i
                        + "; an empty text would match every picture alike");
            }
        }
        return texts;
    }

    /** Ids in rows of one length; a text that is too long loses its end, and the log says so once. */
    ProcessorOutput encode(List<String> texts) {
        TextOptions padded = TextOptions.defaults().withPadding(Padding.LONGEST);
        ProcessorOutput whole = processor.process(null, check(texts), padded.withTruncation(Truncation.OFF));
        long longest = Arrays.stream(whole.attentionMask())
                .mapToLong(row -> Arrays.stream(row).sum())
                .max()
                .orElse(0);
        if (longest <= positions) {
            return whole;
        }
        if (!cutLogged.getAndSet(true)) {
            LOG.warn(
                    "a text of {} tokens was cut to the {} that the model has positions for; others will be without a word",
                    longest,
                    positions);
        }
        // The processor keeps room for image tokens in every call.
        int limit = positions + processor.numQueryTokens().orElse(0);
        return processor.process(
                null, texts, padded.withTruncation(Truncation.ON).withMaxLength(limit));
    }
}
