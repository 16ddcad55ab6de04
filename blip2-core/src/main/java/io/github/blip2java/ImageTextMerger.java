/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.language.TokenIds;
import io.github.blip2java.tensor.Tensor;
import java.util.Arrays;

/**
 * Puts image features among the token embeddings.
 *
 * <p>With an image token in the configuration, the features replace the embeddings of that token; without one, as in older
 * checkpoints, they stand before the text. Reference: {@code Blip2ForConditionalGeneration.forward}.
 */
final class ImageTextMerger {
    private final Blip2Config config;

    ImageTextMerger(Blip2Config config) {
        this.config = config;
    }

    /** Token embeddings with the image features in place, and the mask that goes with them. */
    record Merged(Tensor embeds, long[][] attentionMask) {}

    /** Whether prompts carry a run of image ids. */
    boolean usesImageTokens() {
        return config.imageTokenIndex().isPresent();
    }

    /**
     * Makes the prompt of an image without text: the image ids and the start token.
     *
     * @param rows number of images
     * @return {@code [rows, queries + 1]}, or {@code [rows, 1]} for the older layout
     */
    long[][] defaultIds(int rows) {
        int images = usesImageTokens() ? config.numQueryTokens() : 0;
        long[] row = new long[images + 1];
        if (usesImageTokens()) {
            Arrays.fill(row, 0, images, config.imageTokenIndex().getAsInt());
        }
        row[images] = config.textConfig().bosTokenId();
        long[][] ids = new long[rows][];
        Arrays.setAll(ids, i -> row.clone());
        return ids;
    }

    /**
     * Merges.
     *
     * @param embeds   {@code [batch, seq, width]}, the embeddings of inputIds
     * @param features {@code [batch, queries, language hidden]}
     * @param inputIds {@code [batch, seq]}
     * @param mask     {@code [batch, seq]}
     * @return embeddings and mask; longer by the queries for the older layout
     */
    Merged merge(Tensor embeds, Tensor features, long[][] inputIds, long[][] mask) {
        return usesImageTokens() ? replace(embeds, features, inputIds, mask) : prepend(embeds, features, mask);
    }

    private Merged replace(Tensor embeds, Tensor features, long[][] inputIds, long[][] mask) {
        int image = config.imageTokenIndex().getAsInt();
        int queries = config.numQueryTokens();
        int seq = embeds.dim(1);
        int width = embeds.dim(2);
        float[] merged = embeds.data().clone();
        int next = 0;
        for (int b = 0; b < inputIds.length; b++) {
            long count = Arrays.stream(inputIds[b]).filter(id -> id == image).count();
            // Reference: too few image ids pass there in silence and shift the features of later rows.
            if (count != queries) {
                throw new IllegalArgumentException(
                        "inputIds: expected " + queries + " image ids (" + image
                                + ") in every row, got " + count + " in row " + b
                                + "; Blip2Processor puts them in front of the text, and the text itself may not contain <image>");
            }
            for (int s = 0; s < seq; s++) {
                if (inputIds[b][s] == image) {
                    if (mask[b][s] == 0) {
                        throw new IllegalArgumentException("attentionMask: expected 1 at the image ids, got 0 in row "
                                + b + ", column " + s + "; image ids are never padding");
                    }
                    // Reference: features are taken in flat order, which matters where embeddings are narrower.
                    System.arraycopy(features.data(), next * width, merged, (b * seq + s) * width, width);
                    next++;
                }
            }
        }
        return new Merged(embeds.withRows(merged, width), mask);
    }

    private Merged prepend(Tensor embeds, Tensor features, long[][] mask) {
        int batch = embeds.dim(0);
        int seq = embeds.dim(1);
        int width = embeds.dim(2);
        int queries = features.dim(1);
        Tensor merged = Tensor.zeros(batch, queries + seq, width);
        long[][] mergedMask = TokenIds.ones(batch, queries + seq);
        for (int b = 0; b < batch; b++) {
            int to = b * (queries + seq) * width;
            System.arraycopy(features.data(), b * queries * width, merged.data(), to, queries * width);
            System.arraycopy(embeds.data(), b * seq * width, merged.data(), to + queries * width, seq * width);
            System.arraycopy(mask[b], 0, mergedMask[b], queries, seq);
        }
        return new Merged(merged, mergedMask);
    }
}
