/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import java.util.Arrays;

/** What is added to attention scores before the softmax: nothing, a mask, or a learned bias. */
@FunctionalInterface
public interface AttentionBias {

    /** Every query sees every key. */
    AttentionBias NONE =
            (sequence, head, firstQuery, queries, keys, scores) -> Arrays.fill(scores, 0, queries * keys, 0f);

    /**
     * Writes the bias of a block of queries of one head.
     *
     * @param sequence   which sequence of the batch
     * @param head       which head
     * @param firstQuery index of the block's first query within the sequence's new rows
     * @param queries    queries in the block
     * @param keys       keys of the sequence
     * @param scores     receives {@code queries * keys} values, row by row; negative infinity hides a key
     */
    void fill(int sequence, int head, int firstQuery, int queries, int keys, float[] scores);

    /**
     * Hides the future: query i of the new rows stands at position {@code past + i} and sees keys up to there.
     *
     * @param past positions that each sequence had before the new rows
     * @return the mask
     */
    static AttentionBias causal(int[] past) {
        return (sequence, head, firstQuery, queries, keys, scores) -> {
            for (int i = 0; i < queries; i++) {
                int visible = Math.min(keys, past[sequence] + firstQuery + i + 1);
                Arrays.fill(scores, i * keys, i * keys + visible, 0f);
                Arrays.fill(scores, i * keys + visible, (i + 1) * keys, Float.NEGATIVE_INFINITY);
            }
        };
    }

    /**
     * Hides padding on top of this bias.
     *
     * @param keep {@code [batch, keys]} with 0 = hidden, or null when nothing is padding
     * @return the combined bias
     */
    default AttentionBias hiding(long[][] keep) {
        if (keep == null) {
            return this;
        }
        return (sequence, head, firstQuery, queries, keys, scores) -> {
            fill(sequence, head, firstQuery, queries, keys, scores);
            for (int key = 0; key < keys; key++) {
                if (keep[sequence][key] == 0) {
                    for (int i = 0; i < queries; i++) {
                        scores[i * keys + key] = Float.NEGATIVE_INFINITY;
                    }
                }
            }
        };
    }
}
