/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.github.blip2java.internal.kernel.Frame;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Attention against plain double arithmetic, with more queries than are handled at once (288): the checkpoints for COCO have
 * 677 positions.
 */
@Tag("arithmetic")
class ScaledDotProductAttentionTest {
    private static final int HEADS = 3;
    private static final int HEAD_DIM = 11;
    private static final int WIDTH = HEADS * HEAD_DIM;
    private static final double SCALE = 0.3;

    private final Random random = new Random(11);

    /** A bias as T5 has: of the head and the distance between query and key, different at every distance. */
    private static final AttentionBias DISTANCE = (sequence, head, firstQuery, queries, keys, scores) -> {
        for (int i = 0; i < queries; i++) {
            for (int key = 0; key < keys; key++) {
                scores[i * keys + key] = distanceBias(head, key - (firstQuery + i));
            }
        }
    };

    private static float distanceBias(int head, int distance) {
        return (float) Math.sin(0.37 * distance + head);
    }

    /** The value of a bias for one query and key, in a form that knows no blocks; negative infinity hides. */
    private interface Single {
        double of(int sequence, int head, int query, int key);
    }

    private HeadRows rows(int... lengths) {
        Spans spans = Spans.packed(lengths);
        return HeadRows.of(tensor(total(lengths), WIDTH), spans);
    }

    private static int total(int... lengths) {
        int total = 0;
        for (int length : lengths) {
            total += length;
        }
        return total;
    }

    private Tensor tensor(int rows, int width) {
        float[] values = new float[rows * width];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(values, rows, width);
    }

    @Test
    void moreThreadsThanHeadsChangeNothing() {
        HeadRows q = rows(677, 5, 257);
        HeadRows k = rows(677, 9, 257);
        HeadRows v = rows(677, 9, 257);
        ScaledDotProductAttention attention = new ScaledDotProductAttention(HEADS, HEAD_DIM, SCALE);
        float[] alone = attention.forward(q, k, v, DISTANCE, null).data();
        for (int threads : new int[] {1, 3, 16}) {
            try (Parallel pool = Parallel.of(threads)) {
                Tensor shared = pool.call(() -> {
                    // The memory that the result gets is not empty.
                    Frame.call(
                            () -> {
                                Arrays.fill(Frame.floats(alone.length), Float.NaN);
                                return null;
                            },
                            nothing -> null);
                    return Frame.call(() -> attention.forward(q, k, v, DISTANCE, null), Tensor::data);
                });
                // Not equal: Java adds the lanes of a vector in one order before a loop is compiled and in another
                // afterwards.
                float worst = 0;
                for (int i = 0; i < alone.length; i++) {
                    worst = Math.max(worst, Math.abs(shared.data()[i] - alone[i]));
                }
                assertThat(worst).as("%d threads", threads).isLessThan(1e-6f);
            }
        }
    }

    @Test
    void everyQuerySeesEveryKey() {
        check(rows(677), rows(677), rows(677), AttentionBias.NONE, (s, h, i, j) -> 0);
    }

    /** One, two and three blocks, the second full to the last query. */
    @Test
    void sequencesOfDifferentLengths() {
        int[] lengths = {31, 576, 577, 288, 289};
        check(rows(lengths), rows(lengths), rows(lengths), AttentionBias.NONE, (s, h, i, j) -> 0);
    }

    @Test
    void theFutureIsHidden() {
        int[] past = {0, 0};
        check(
                rows(600, 300),
                rows(600, 300),
                rows(600, 300),
                AttentionBias.causal(past),
                (s, h, i, j) -> j <= i ? 0 : Double.NEGATIVE_INFINITY);
    }

    @Test
    void theFutureBehindAPastIsHidden() {
        int[] past = {7, 40};
        check(
                rows(320, 577),
                rows(327, 617),
                rows(327, 617),
                AttentionBias.causal(past),
                (s, h, i, j) -> j <= past[s] + i ? 0 : Double.NEGATIVE_INFINITY);
    }

    @Test
    void aBiasByDistance() {
        check(rows(600), rows(600), rows(600), DISTANCE, (s, h, i, j) -> distanceBias(h, j - i));
    }

    @Test
    void paddingIsHiddenOnTopOfABias() {
        long[][] keep = new long[2][400];
        for (int s = 0; s < 2; s++) {
            for (int j = 0; j < 400; j++) {
                keep[s][j] = (j + s) % 3 == 0 ? 0 : 1;
            }
        }
        check(
                rows(400, 400),
                rows(400, 400),
                rows(400, 400),
                DISTANCE.hiding(keep),
                (s, h, i, j) -> keep[s][j] == 0 ? Double.NEGATIVE_INFINITY : distanceBias(h, j - i));
    }

    @Test
    void crossAttention() {
        check(rows(700, 300), rows(33, 5), rows(33, 5), AttentionBias.NONE, (s, h, i, j) -> 0);
        check(rows(32, 32), rows(677, 677), rows(677, 677), AttentionBias.NONE, (s, h, i, j) -> 0);
    }

    /** A packed projection, as the vision encoder has: a row holds query, key and value, one after the other. */
    @Test
    void headsAreFoundWhereTheyLie() {
        Spans spans = Spans.padded(2, 300);
        Tensor packed = tensor(600, 3 * WIDTH);
        check(
                new HeadRows(packed.data(), spans, 3 * WIDTH, 0),
                new HeadRows(packed.data(), spans, 3 * WIDTH, WIDTH),
                new HeadRows(packed.data(), spans, 3 * WIDTH, 2 * WIDTH),
                AttentionBias.NONE,
                (s, h, i, j) -> 0);
    }

    /** Compares the result, without a trace and, where sequences are equally long, with one, and the probabilities. */
    private void check(HeadRows q, HeadRows k, HeadRows v, AttentionBias bias, Single single) {
        ScaledDotProductAttention attention = new ScaledDotProductAttention(HEADS, HEAD_DIM, SCALE);
        Tensor out = attention.forward(q, k, v, bias, null);
        boolean even = equal(q.spans().lengths()) && equal(k.spans().lengths());
        List<Tensor> traced = new ArrayList<>();
        Tensor again = out;
        if (even) {
            again = attention.forward(q, k, v, bias, traced::add);
            assertThat(traced).hasSize(1);
            assertThat(traced.get(0).shape())
                    .containsExactly(
                            q.spans().batch(),
                            HEADS,
                            q.spans().lengths()[0],
                            k.spans().lengths()[0]);
        }
        assertThat(out.shape()).containsExactly(total(q.spans().lengths()), WIDTH);
        for (int sequence = 0; sequence < q.spans().batch(); sequence++) {
            int queries = q.spans().lengths()[sequence];
            int keys = k.spans().lengths()[sequence];
            for (int head = 0; head < HEADS; head++) {
                for (int query = 0; query < queries; query++) {
                    double[] probabilities = probabilities(q, k, single, sequence, head, query);
                    if (even) {
                        int from = ((sequence * HEADS + head) * queries + query) * keys;
                        for (int key = 0; key < keys; key++) {
                            close(traced.get(0).data()[from + key], probabilities[key], 1e-6, sequence, head, query);
                        }
                    }
                    int row = (q.spans().starts()[sequence] + query) * WIDTH + head * HEAD_DIM;
                    for (int d = 0; d < HEAD_DIM; d++) {
                        double sum = 0;
                        for (int key = 0; key < keys; key++) {
                            sum += probabilities[key] * v.data()[v.index(sequence, key) + head * HEAD_DIM + d];
                        }
                        close(out.data()[row + d], sum, 5e-6, sequence, head, query);
                        close(again.data()[row + d], sum, 5e-6, sequence, head, query);
                    }
                }
            }
        }
    }

    /**
     * Scores stay below 10, whose float32 steps of 1e-6 are the relative error of a probability; values are of size 1 and
     * their weights add up to 1. A float of another block or head would be off by a hundred times more.
     */
    private static void close(float actual, double expected, double bound, int sequence, int head, int query) {
        // An assertion for each of millions of floats would take half a minute.
        if (!(Math.abs(actual - expected) <= bound)) {
            fail("sequence %d, head %d, query %d: expected %s, got %s", sequence, head, query, expected, actual);
        }
    }

    private static double[] probabilities(HeadRows q, HeadRows k, Single bias, int sequence, int head, int query) {
        int keys = k.spans().lengths()[sequence];
        double[] weights = new double[keys];
        double sum = 0;
        for (int key = 0; key < keys; key++) {
            double product = 0;
            for (int d = 0; d < HEAD_DIM; d++) {
                product += (double) q.data()[q.index(sequence, query) + head * HEAD_DIM + d]
                        * k.data()[k.index(sequence, key) + head * HEAD_DIM + d];
            }
            weights[key] = Math.exp(SCALE * product + bias.of(sequence, head, query, key));
            sum += weights[key];
        }
        for (int key = 0; key < keys; key++) {
            weights[key] /= sum;
        }
        return weights;
    }

    private static boolean equal(int[] lengths) {
        for (int length : lengths) {
            if (length != lengths[0]) {
                return false;
            }
        }
        return true;
    }
}
