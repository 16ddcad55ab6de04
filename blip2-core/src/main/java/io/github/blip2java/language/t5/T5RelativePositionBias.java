/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.t5;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.AttentionBias;
import java.util.Arrays;

/**
 * A learned score for each distance between query and key, by buckets that widen with the distance.
 *
 * <p>Key: {@code weight} {@code [buckets, heads]}, owned by the first block of each stack and used by all. Reference:
 * {@code T5Attention._relative_position_bucket} and {@code compute_bias}.
 */
final class T5RelativePositionBias {
    /** Distances whose buckets are worked out once; further ones are rare. */
    private static final int TABLED = 2048;

    private final int heads;
    private final int buckets;
    private final int maxDistance;
    private final boolean bidirectional;
    private final float[] table;
    private final int[] bucketOf = new int[2 * TABLED + 1];

    T5RelativePositionBias(T5Config config, boolean bidirectional, WeightScope weights) {
        this.heads = config.numHeads();
        this.buckets = config.relativeAttentionNumBuckets();
        this.maxDistance = config.relativeAttentionMaxDistance();
        this.bidirectional = bidirectional;
        this.table = weights.floats("weight", buckets, heads);
        Arrays.setAll(bucketOf, i -> computeBucket(i - TABLED));
    }

    /**
     * Makes the bias of one pass.
     *
     * @param positions gives the position of a row
     * @return the bias, with the future hidden unless this stack looks both ways
     */
    AttentionBias forPositions(Positions positions) {
        return (sequence, head, firstQuery, queries, keys, scores) -> {
            for (int i = 0; i < queries; i++) {
                int query = positions.ofQuery(sequence, firstQuery + i);
                for (int key = 0; key < keys; key++) {
                    int distance = positions.ofKey(sequence, key) - query;
                    scores[i * keys + key] = !bidirectional && distance > 0
                            ? Float.NEGATIVE_INFINITY
                            : table[bucket(distance) * heads + head];
                }
            }
        };
    }

    /**
     * Finds the bucket of a distance.
     *
     * @param distance key position minus query position
     * @return 0 to buckets - 1
     */
    int bucket(int distance) {
        return Math.abs(distance) <= TABLED ? bucketOf[distance + TABLED] : computeBucket(distance);
    }

    private int computeBucket(int distance) {
        int count = bidirectional ? buckets / 2 : buckets;
        int base = bidirectional && distance > 0 ? count : 0;
        int n = bidirectional ? Math.abs(distance) : Math.max(-distance, 0);
        int exact = count / 2;
        if (n < exact) {
            return base + n;
        }
        // Precision: float32 steps in the reference's order, so that distances on a bucket's edge fall alike.
        float log = (float) Math.log((float) n / exact);
        int far = exact + (int) (log / (float) Math.log((double) maxDistance / exact) * (count - exact));
        return base + Math.min(far, count - 1);
    }

    /** Where queries and keys stand in their sequence. */
    interface Positions {
        int ofQuery(int sequence, int row);

        int ofKey(int sequence, int row);
    }
}
