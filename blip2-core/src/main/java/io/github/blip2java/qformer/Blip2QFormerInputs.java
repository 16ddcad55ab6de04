/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.internal.nn.AttentionBias;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.Arrays;

/**
 * What a pass through the Q-Former reads: queries, texts, or queries followed by texts. Reference: the arguments of
 * {@code Blip2QFormerModel.forward}.
 *
 * @param embeds      {@code [batch, seq, hidden]}: the queries of each row first, then its text
 * @param queryLength how many of them are queries, 0 to seq; queries look at the image and have a feed-forward of their own
 * @param mask        hides the padding of texts from self-attention
 * @param imageEmbeds {@code [images, positions, encoder hidden]}; null without queries
 * @param images      the rows of imageEmbeds that each sequence looks at; several may look at one image; null without queries
 */
public record Blip2QFormerInputs(Tensor embeds, int queryLength, AttentionBias mask, Tensor imageEmbeds, Spans images) {

    /**
     * Queries alone, each row looking at its image.
     *
     * @param queries     {@code [batch, queries, hidden]}
     * @param imageEmbeds {@code [batch, positions, encoder hidden]}
     * @return the inputs
     */
    public static Blip2QFormerInputs queries(Tensor queries, Tensor imageEmbeds) {
        Spans images = Spans.padded(imageEmbeds.dim(0), imageEmbeds.dim(1));
        return new Blip2QFormerInputs(queries, queries.dim(1), AttentionBias.NONE, imageEmbeds, images);
    }

    /**
     * Texts alone, which look at no image.
     *
     * @param embeds        {@code [batch, seq, hidden]}
     * @param attentionMask {@code [batch, seq]}, 1 = keep
     * @return the inputs
     */
    public static Blip2QFormerInputs texts(Tensor embeds, long[][] attentionMask) {
        return new Blip2QFormerInputs(embeds, 0, AttentionBias.NONE.hiding(attentionMask), null, null);
    }

    /**
     * Queries that look at an image and a text.
     *
     * @param queries       {@code [batch, queries, hidden]}
     * @param texts         {@code [batch, seq, hidden]}
     * @param attentionMask {@code [batch, seq]} of the texts, 1 = keep
     * @param imageEmbeds   {@code [images, positions, encoder hidden]}
     * @param imageOf       for each row its image, 0 to images - 1
     * @return the inputs
     */
    public static Blip2QFormerInputs pairs(
            Tensor queries, Tensor texts, long[][] attentionMask, Tensor imageEmbeds, int... imageOf) {
        int positions = imageEmbeds.dim(1);
        int[] starts = new int[imageOf.length];
        int[] lengths = new int[imageOf.length];
        for (int row = 0; row < imageOf.length; row++) {
            starts[row] = imageOf[row] * positions;
            lengths[row] = positions;
        }
        return new Blip2QFormerInputs(
                queries.followedBy(texts),
                queries.dim(1),
                AttentionBias.NONE.hiding(behindQueries(attentionMask, queries.dim(1))),
                imageEmbeds,
                new Spans(starts, lengths));
    }

    private static long[][] behindQueries(long[][] mask, int queries) {
        long[][] all = new long[mask.length][];
        for (int row = 0; row < mask.length; row++) {
            all[row] = new long[queries + mask[row].length];
            Arrays.fill(all[row], 0, queries, 1);
            System.arraycopy(mask[row], 0, all[row], queries, mask[row].length);
        }
        return all;
    }
}
