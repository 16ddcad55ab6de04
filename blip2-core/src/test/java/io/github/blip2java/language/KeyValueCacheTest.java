/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.internal.nn.HeadRows;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Keys here are numbers that name their sequence and position, values their negatives. */
class KeyValueCacheTest {
    private static final int LAYERS = 2;
    private static final int WIDTH = 3;

    private static KeyValueCache filled(int rows, int capacity, int... lengths) {
        KeyValueCache cache = new KeyValueCache(LAYERS, rows, capacity, WIDTH);
        Spans spans = Spans.packed(lengths);
        int total = Arrays.stream(lengths).sum();
        for (int layer = 0; layer < LAYERS; layer++) {
            float[] keys = new float[total * WIDTH];
            for (int s = 0; s < rows; s++) {
                for (int p = 0; p < lengths[s]; p++) {
                    Arrays.fill(keys, (spans.start(s) + p) * WIDTH, (spans.start(s) + p + 1) * WIDTH, key(layer, s, p));
                }
            }
            append(cache, layer, keys, spans);
        }
        cache.advance(spans);
        return cache;
    }

    private static float key(int layer, int sequence, int position) {
        return 10000 * (layer + 1) + 1000 * (sequence + 1) + position;
    }

    private static void append(KeyValueCache cache, int layer, float[] keys, Spans spans) {
        float[] values = keys.clone();
        for (int i = 0; i < values.length; i++) {
            values[i] = -keys[i];
        }
        int rows = keys.length / WIDTH;
        cache.append(layer, Tensor.of(keys, rows, WIDTH), Tensor.of(values, rows, WIDTH), spans);
    }

    /** What a layer holds of a sequence, one number a position; checks that all floats of a position and values agree. */
    private static float[] keys(KeyValueCache cache, int layer, int sequence) {
        HeadRows keys = cache.keys(layer);
        HeadRows values = cache.values(layer);
        float[] found = new float[keys.spans().length(sequence)];
        for (int p = 0; p < found.length; p++) {
            int at = (keys.spans().start(sequence) + p) * keys.stride() + keys.offset();
            found[p] = keys.data()[at];
            for (int d = 0; d < WIDTH; d++) {
                assertThat(keys.data()[at + d]).isEqualTo(found[p]);
                assertThat(values.data()[at + d]).isEqualTo(-found[p]);
            }
        }
        return found;
    }

    private static float[] expected(int layer, int sequence, int length) {
        float[] expected = new float[length];
        for (int p = 0; p < length; p++) {
            expected[p] = key(layer, sequence, p);
        }
        return expected;
    }

    @Test
    void sequencesOfUnequalLengthAreKeptApart() {
        KeyValueCache cache = filled(3, 4, 2, 4, 1);
        assertThat(cache.lengths()).containsExactly(2, 4, 1);
        for (int layer = 0; layer < LAYERS; layer++) {
            assertThat(keys(cache, layer, 0)).isEqualTo(expected(layer, 0, 2));
            assertThat(keys(cache, layer, 1)).isEqualTo(expected(layer, 1, 4));
            assertThat(keys(cache, layer, 2)).isEqualTo(expected(layer, 2, 1));
        }
    }

    @Test
    void selectRepeatsReordersAndDrops() {
        KeyValueCache cache = filled(3, 4, 2, 4, 1);
        cache.select(1, 2, 1, 0);
        assertThat(cache.lengths()).containsExactly(4, 1, 4, 2);
        for (int layer = 0; layer < LAYERS; layer++) {
            assertThat(keys(cache, layer, 0)).isEqualTo(expected(layer, 1, 4));
            assertThat(keys(cache, layer, 1)).isEqualTo(expected(layer, 2, 1));
            assertThat(keys(cache, layer, 2)).isEqualTo(expected(layer, 1, 4));
            assertThat(keys(cache, layer, 3)).isEqualTo(expected(layer, 0, 2));
        }
        cache.select(3);
        assertThat(keys(cache, 1, 0)).isEqualTo(expected(1, 0, 2));
    }

    @Test
    void repeatedSequencesGoTheirOwnWays() {
        KeyValueCache cache = filled(2, 2, 1, 2);
        cache.select(1, 1);
        Spans one = Spans.padded(2, 1);
        for (int layer = 0; layer < LAYERS; layer++) {
            append(cache, layer, new float[] {7, 7, 7, 8, 8, 8}, one);
        }
        cache.advance(one);
        for (int layer = 0; layer < LAYERS; layer++) {
            assertThat(keys(cache, layer, 0)).containsExactly(key(layer, 1, 0), key(layer, 1, 1), 7);
            assertThat(keys(cache, layer, 1)).containsExactly(key(layer, 1, 0), key(layer, 1, 1), 8);
        }
    }

    /** Beams: every step some go on twice, others end; at each the cache must equal what a plain copy holds. */
    @Test
    void anyChoiceOfSequencesReadsAsCopies() {
        Random random = new Random(7);
        for (int round = 0; round < 50; round++) {
            KeyValueCache cache = filled(2, 3, 3, 2);
            List<List<Float>> copies = new ArrayList<>();
            for (int s = 0; s < 2; s++) {
                List<Float> copy = new ArrayList<>();
                for (float key : expected(0, s, 3 - s)) {
                    copy.add(key);
                }
                copies.add(copy);
            }
            float next = 1;
            for (int step = 0; step < 12; step++) {
                int[] rows = new int[1 + random.nextInt(6)];
                for (int i = 0; i < rows.length; i++) {
                    rows[i] = random.nextInt(copies.size());
                }
                cache.select(rows);
                List<List<Float>> chosen = new ArrayList<>();
                for (int row : rows) {
                    chosen.add(new ArrayList<>(copies.get(row)));
                }
                copies = chosen;
                if (random.nextInt(4) == 0) {
                    int[] counts = new int[rows.length];
                    for (int s = 0; s < rows.length; s++) {
                        counts[s] = random.nextInt(2);
                        if (counts[s] == 1) {
                            copies.get(s).remove(copies.get(s).size() - 1);
                        }
                    }
                    cache.drop(counts);
                }
                Spans one = Spans.padded(rows.length, 1);
                float[] added = new float[rows.length * WIDTH];
                for (int s = 0; s < rows.length; s++) {
                    Arrays.fill(added, s * WIDTH, (s + 1) * WIDTH, next);
                    copies.get(s).add(next++);
                }
                append(cache, 0, added, one);
                append(cache, 1, added, one);
                cache.advance(one);
                for (int s = 0; s < rows.length; s++) {
                    float[] found = keys(cache, 0, s);
                    assertThat(found).hasSize(copies.get(s).size());
                    for (int i = 0; i < found.length; i++) {
                        assertThat(found[i]).isEqualTo(copies.get(s).get(i));
                    }
                }
            }
            assertThat(cache.slots()).isLessThanOrEqualTo(6);
        }
    }

    @Test
    void whatIsNeverAppendedToIsNeverCopied() {
        KeyValueCache cache = filled(1, 4, 4);
        float[] stored = cache.keys(0).data();
        cache.select(0, 0, 0, 0, 0);
        assertThat(cache.keys(0).data()).isSameAs(stored);
        assertThat(cache.slots()).isEqualTo(1);
        assertThat(keys(cache, 1, 4)).isEqualTo(expected(1, 0, 4));
    }

    @Test
    void growthKeepsWhatIsThere() {
        KeyValueCache cache = filled(2, 3, 3, 1);
        Spans one = Spans.padded(2, 1);
        for (int step = 0; step < 100; step++) {
            for (int layer = 0; layer < LAYERS; layer++) {
                float a = key(layer, 0, 3 + step);
                float b = key(layer, 1, 1 + step);
                append(cache, layer, new float[] {a, a, a, b, b, b}, one);
            }
            cache.advance(one);
        }
        assertThat(cache.lengths()).containsExactly(103, 101);
        for (int layer = 0; layer < LAYERS; layer++) {
            assertThat(keys(cache, layer, 0)).isEqualTo(expected(layer, 0, 103));
            assertThat(keys(cache, layer, 1)).isEqualTo(expected(layer, 1, 101));
        }
    }

    @Test
    void roomFollowsWhatIsWrittenNotWhatIsAllowed() {
        assertThat(KeyValueCache.start(LAYERS, 1, 33, 5000, WIDTH).capacity()).isEqualTo(33 + KeyValueCache.STEP);
        assertThat(KeyValueCache.start(LAYERS, 1, 33, Integer.MAX_VALUE, WIDTH).capacity())
                .isEqualTo(33 + KeyValueCache.STEP);
        assertThat(KeyValueCache.start(LAYERS, 1, 33, 2, WIDTH).capacity()).isEqualTo(35);
        KeyValueCache cache = KeyValueCache.start(LAYERS, 1, 1, 5000, WIDTH);
        Spans one = Spans.padded(1, 1);
        for (int step = 0; step < 600; step++) {
            for (int layer = 0; layer < LAYERS; layer++) {
                append(cache, layer, new float[] {step, step, step}, one);
            }
            cache.advance(one);
            assertThat(cache.capacity())
                    .isLessThanOrEqualTo(Math.max(step + 1 + KeyValueCache.STEP, (step + 1) * 3 / 2));
        }
    }

    @Test
    void thereIsNoRoomForMoreThanIsAllowed() {
        KeyValueCache cache = KeyValueCache.start(LAYERS, 1, 20, 30, WIDTH);
        Spans one = Spans.padded(1, 1);
        for (int step = 0; step < 50; step++) {
            for (int layer = 0; layer < LAYERS; layer++) {
                append(cache, layer, new float[] {step, step, step}, one);
            }
            cache.advance(one);
            assertThat(cache.capacity()).isLessThanOrEqualTo(50);
        }
        assertThat(cache.capacity()).isEqualTo(50);
    }

    @Test
    void whatNoArrayHoldsIsExplained() {
        assertThatThrownBy(() -> new KeyValueCache(1, 4, 100_000_000, 2048))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("key/value cache: expected at most 262143 positions for 4 sequences, got 100000000; lower"
                        + " maxNewTokens, or generate fewer texts at a time");
    }
}
