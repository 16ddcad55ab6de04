/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.Embedding;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.TokenIds;
import java.util.stream.IntStream;

/**
 * word_embeddings[ids] + position_embeddings[positions], what the Q-Former reads of a text.
 *
 * <p>Ids and positions {@code [batch, seq]} → {@code [batch, seq, hidden]}. Keys: {@code word_embeddings.weight}
 * {@code [vocab, hidden]}, {@code position_embeddings.weight} {@code [positions, hidden]}, in the scope {@code embeddings}
 * beside {@code qformer}. The norm that BERT has here is the Q-Former's {@code layernorm}. Reference:
 * {@code Blip2TextEmbeddings}.
 */
public final class Blip2TextEmbeddings {
    private final Blip2QFormerConfig config;
    private final Embedding wordEmbeddings;
    private final Embedding positionEmbeddings;

    /**
     * Loads both tables.
     *
     * @param config  the Q-Former's sizes
     * @param weights the scope {@code embeddings}
     */
    public Blip2TextEmbeddings(Blip2QFormerConfig config, WeightScope weights) {
        int hidden = config.hiddenSize();
        this.config = config;
        this.wordEmbeddings = new Embedding(config.vocabSize(), hidden, weights.at("word_embeddings"));
        this.positionEmbeddings =
                new Embedding(config.maxPositionEmbeddings(), hidden, weights.at("position_embeddings"));
    }

    /**
     * Looks both up.
     *
     * @param inputIds    {@code [batch, seq]}, 0 to vocab - 1 each; no image ids
     * @param positionIds {@code [batch, seq]}, 0 to positions - 1 each, or null to count from 0 in every row, padding
     *                    included
     * @return {@code [batch, seq, hidden]}
     */
    public Tensor forward(long[][] inputIds, long[][] positionIds) {
        int batch = inputIds.length;
        int seq = inputIds[0].length;
        int[] positions = positionIds == null
                ? IntStream.range(0, batch * seq).map(i -> i % seq).toArray()
                : TokenIds.flatten(positionIds);
        Tensor words = wordEmbeddings.forward(TokenIds.flatten(inputIds));
        return Elementwise.add(words, positionEmbeddings.forward(positions)).reshape(batch, seq, config.hiddenSize());
    }

    /**
     * Refuses what {@link #forward} cannot look up.
     *
     * @param inputIds    {@code [batch, seq]}
     * @param positionIds {@code [batch, seq]}, or null
     * @throws IllegalArgumentException if one forms no matrix, a text is longer than there are positions, or an id or a position
     *     is outside its table
     */
    public void check(long[][] inputIds, long[][] positionIds) {
        TokenIds.ids("inputIds", inputIds, -1, config.vocabSize());
        int most = config.maxPositionEmbeddings();
        if (positionIds == null) {
            if (inputIds[0].length > most) {
                throw new IllegalArgumentException("inputIds: expected texts of at most " + most
                        + " tokens (max_position_embeddings of the Q-Former), got " + inputIds[0].length
                        + "; cut them: TextOptions.withTruncation and withMaxLength");
            }
            return;
        }
        TokenIds.matrix("positionIds", positionIds, inputIds.length, inputIds[0].length);
        for (int row = 0; row < positionIds.length; row++) {
            for (long position : positionIds[row]) {
                if (position < 0 || position >= most) {
                    throw new IllegalArgumentException("positionIds: expected positions from 0 to " + (most - 1)
                            + ", got " + position + " in row " + row + "; leave them out to count from 0");
                }
            }
        }
    }
}
