/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.TokenIds;
import java.util.Arrays;
import java.util.stream.IntStream;

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

    /** Token ids and their mask, checked. */
    record Text(long[][] ids, long[][] mask) {}

    /**
     * Checks a text about images; nothing in it can be refused later.
     *
     * @param inputIds      {@code [rows, seq]}, or null for images without text
     * @param attentionMask {@code [rows, seq]}, or null for all ones
     * @param images        the number of images
     * @param shared        whether a single image serves any number of rows
     * @return ids and mask
     * @throws IllegalArgumentException if a shape, a value or the number of image ids is wrong
     */
    Text check(long[][] inputIds, long[][] attentionMask, int images, boolean shared) {
        int vocab = config.textConfig().vocabSize();
        if (inputIds == null) {
            long[][] ids = defaultIds(images);
            return new Text(ids, TokenIds.mask("attentionMask", attentionMask, ids));
        }
        if (shared && images != 1 && inputIds.length != images) {
            throw new IllegalArgumentException("inputIds: expected one row for each of the " + images + " images, got "
                    + inputIds.length + "; pass one image for several texts, or as many texts as images");
        }
        long[][] ids = TokenIds.ids("inputIds", inputIds, shared ? -1 : images, vocab);
        long[][] mask = TokenIds.mask("attentionMask", attentionMask, ids);
        if (usesImageTokens()) {
            for (int row = 0; row < ids.length; row++) {
                checkImageIds(row, ids[row], mask[row]);
            }
        }
        TokenIds.checkKept("attentionMask", mask);
        return new Text(ids, mask);
    }

    private void checkImageIds(int row, long[] ids, long[] mask) {
        int image = config.imageTokenIndex().getAsInt();
        long count = Arrays.stream(ids).filter(id -> id == image).count();
        // Reference: too few image ids pass there in silence and shift the features of later rows.
        if (count != config.numQueryTokens()) {
            throw new IllegalArgumentException("inputIds: expected " + config.numQueryTokens() + " image ids (" + image
                    + ") in every row, got " + count + " in row " + row
                    + "; Blip2Processor puts them in front of the text, and the text itself may not contain <image>");
        }
        for (int column = 0; column < ids.length; column++) {
            if (ids[column] == image && mask[column] == 0) {
                throw new IllegalArgumentException("attentionMask: expected 1 at the image ids, got 0 in row " + row
                        + ", column " + column + "; image ids are never padding");
            }
        }
    }

    /** Positions that the language model reads of one image's features outside of the text's own. */
    private int added() {
        return usesImageTokens() ? 0 : config.numQueryTokens();
    }

    /** Positions of a row after merging, padding included. */
    int positions(Text text) {
        return added() + text.ids()[0].length;
    }

    /** Positions of the longest row after merging, without padding. */
    int longest(Text text) {
        return added()
                + (int) Arrays.stream(text.mask())
                        .mapToLong(row -> Arrays.stream(row).sum())
                        .max()
                        .orElse(0);
    }

    /** The ids of a single row, without padding. */
    long[] unpadded(Text text) {
        return IntStream.range(0, text.ids()[0].length)
                .filter(column -> text.mask()[0][column] != 0)
                .mapToLong(column -> text.ids()[0][column])
                .toArray();
    }

    /**
     * Where the features stand.
     *
     * @param ids of one row, without padding
     * @return for each query its position after merging
     */
    int[] queries(long[] ids) {
        return usesImageTokens()
                ? IntStream.range(0, ids.length)
                        .filter(position ->
                                ids[position] == config.imageTokenIndex().getAsInt())
                        .toArray()
                : IntStream.range(0, config.numQueryTokens()).toArray();
    }

    /** The ids of each row's text alone, without image ids and padding. */
    int[][] textIds(Text text) {
        int image = config.imageTokenIndex().orElse(-1);
        int[][] rows = new int[text.ids().length][];
        Arrays.setAll(
                rows,
                row -> IntStream.range(0, text.ids()[row].length)
                        .filter(column -> text.mask()[row][column] != 0 && text.ids()[row][column] != image)
                        .map(column -> Math.toIntExact(text.ids()[row][column]))
                        .toArray());
        return rows;
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
     * @param embeds   {@code [batch, seq, width]}, the embeddings of the ids
     * @param features {@code [batch, queries, language hidden]}
     * @param text     {@code [batch, seq]}
     * @return embeddings and mask; longer by the queries for the older layout
     */
    Merged merge(Tensor embeds, Tensor features, Text text) {
        return usesImageTokens() ? replace(embeds, features, text) : prepend(embeds, features, text.mask());
    }

    private Merged replace(Tensor embeds, Tensor features, Text text) {
        int image = config.imageTokenIndex().getAsInt();
        int seq = embeds.dim(1);
        int width = embeds.dim(2);
        float[] merged = embeds.data().clone();
        int next = 0;
        for (int b = 0; b < text.ids().length; b++) {
            for (int s = 0; s < seq; s++) {
                if (text.ids()[b][s] == image) {
                    // Reference: features are taken in flat order, which matters where embeddings are narrower.
                    System.arraycopy(features.data(), next * width, merged, (b * seq + s) * width, width);
                    next++;
                }
            }
        }
        return new Merged(embeds.withRows(merged, width), text.mask());
    }

    private Merged prepend(Tensor embeds, Tensor features, long[][] mask) {
        int queries = features.dim(1);
        long[][] mergedMask = TokenIds.ones(mask.length, queries + mask[0].length);
        for (int b = 0; b < mask.length; b++) {
            System.arraycopy(mask[b], 0, mergedMask[b], queries, mask[b].length);
        }
        return new Merged(features.followedBy(embeds), mergedMask);
    }
}
