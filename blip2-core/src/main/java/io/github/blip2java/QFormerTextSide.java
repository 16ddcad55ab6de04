/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.TokenIds;
import io.github.blip2java.qformer.Blip2QFormerInputs;
import io.github.blip2java.qformer.Blip2QFormerModel;
import io.github.blip2java.qformer.Blip2TextEmbeddings;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * From token ids to text embeddings: what a retrieval model has in the place of a language model.
 *
 * <p>Keys: {@code embeddings.*}, {@code text_projection.*}.
 */
final class QFormerTextSide {
    private final Blip2Config config;
    private final Blip2QFormerModel qformer;
    private final Blip2TextEmbeddings embeddings;
    private final Linear textProjection;

    /**
     * Loads the tables and the projection.
     *
     * @param qformer the one that reads images too
     * @throws UnsupportedModelException if it reads no texts
     */
    QFormerTextSide(OpenModel model, Blip2QFormerModel qformer) {
        this.config = model.config;
        this.qformer = qformer;
        if (!config.qformerConfig().useQformerTextInput()) {
            throw new UnsupportedModelException(
                    "config.json: qformer_config.use_qformer_text_input: expected true for a"
                            + " retrieval model, got false; take config.json from where the weights are from");
        }
        this.embeddings = model.part("embeddings", weights -> new Blip2TextEmbeddings(config.qformerConfig(), weights));
        int hidden = config.qformerConfig().hiddenSize();
        this.textProjection =
                model.part("text_projection", weights -> Linear.head(hidden, config.imageTextHiddenSize(), weights));
    }

    /** Token ids without image ids, their mask and positions, checked; positions may be null to count from 0. */
    record Texts(long[][] ids, long[][] mask, long[][] positions) {
        int rows() {
            return ids.length;
        }
    }

    /** Checks texts without image ids. */
    Texts check(long[][] inputIds, long[][] attentionMask, long[][] positionIds) {
        embeddings.check(inputIds, positionIds);
        long[][] mask = TokenIds.mask("attentionMask", attentionMask, inputIds);
        TokenIds.checkKept("attentionMask", mask);
        return new Texts(inputIds, mask, positionIds);
    }

    /** Checks texts as the processor prepares them with images, and takes the image ids off where there are any. */
    Texts checkWithImages(long[][] inputIds, long[][] attentionMask) {
        OptionalInt image = config.imageTokenIndex();
        if (image.isEmpty()) {
            return check(inputIds, attentionMask, null);
        }
        int queries = config.numQueryTokens();
        TokenIds.matrix("inputIds", inputIds, -1, -1);
        long[][] mask = TokenIds.mask("attentionMask", attentionMask, inputIds);
        for (int row = 0; row < inputIds.length; row++) {
            checkImageIds(row, inputIds[row], mask[row], queries, image.getAsInt());
        }
        return check(behind(queries, inputIds), behind(queries, mask), null);
    }

    private static void checkImageIds(int row, long[] ids, long[] mask, int queries, int image) {
        int found = 0;
        while (found < ids.length && ids[found] == image) {
            found++;
        }
        // Reference: as many ids as there are queries are cut off whatever they are.
        if (found != queries || found == ids.length) {
            throw new IllegalArgumentException("inputIds: expected " + queries + " image ids (" + image
                    + ") in front of the text in every row, got " + found + " and " + (ids.length - found)
                    + " ids behind them in row " + row + "; Blip2Processor puts them there when given images");
        }
        for (int column = 0; column < queries; column++) {
            if (mask[column] == 0) {
                throw new IllegalArgumentException("attentionMask: expected 1 at the image ids, got 0 in row " + row
                        + ", column " + column + "; image ids are never padding");
            }
        }
    }

    private static long[][] behind(int columns, long[][] rows) {
        return Arrays.stream(rows)
                .map(row -> Arrays.copyOfRange(row, columns, row.length))
                .toArray(long[][]::new);
    }

    /** Words and positions {@code [batch, seq, hidden]}, as the Q-Former reads them. */
    Tensor embed(Texts texts) {
        return embeddings.forward(texts.ids(), texts.positions());
    }

    /** Texts alone → {@code [batch, seq, hidden]}. */
    ImageSide.Stage read(Texts texts, ImageSide.Kept kept) {
        Trace trace = kept.trace();
        return new ImageSide.Stage(qformer.forward(Blip2QFormerInputs.texts(embed(texts), texts.mask()), trace), trace);
    }

    /** Hidden states {@code [..., hidden]} → embeddings {@code [..., width]}, each of length 1. */
    Tensor project(Tensor hiddenStates) {
        return Elementwise.normalize(textProjection.forward(hiddenStates));
    }
}
