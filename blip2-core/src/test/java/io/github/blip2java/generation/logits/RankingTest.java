/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RankingTest {
    private static final int VOCABULARY = 50272;

    /** Scores with many equal ones, or hardly any. */
    private static float[] scores(Random random, int size, boolean ties) {
        float[] scores = new float[size];
        for (int i = 0; i < size; i++) {
            float score = (float) random.nextGaussian() * 3;
            scores[i] = ties ? Math.round(score) : score;
        }
        return scores;
    }

    private static int[] sorted(float[] scores) {
        return IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer id) -> -scores[id]).thenComparing(id -> id))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    @Test
    void findsTheHighestInOrder() {
        Random random = new Random(1);
        for (int size : new int[] {1, 2, 64, 65, 200, VOCABULARY}) {
            for (boolean ties : new boolean[] {false, true}) {
                float[] scores = scores(random, size, ties);
                int[] all = sorted(scores);
                for (int count : new int[] {1, 2, 50, 1000, size, size + 5}) {
                    assertThat(Ranking.highestIds(scores, count))
                            .as("%d of %d, ties %s", count, size, ties)
                            .isEqualTo(Arrays.copyOf(all, Math.min(count, size)));
                    assertThat(Ranking.highest(scores, count)).isEqualTo(scores[all[Math.min(count, size) - 1]]);
                }
            }
        }
    }

    @Test
    void ascendingAndDescendingScoresAreNoWorseThanOthers() {
        float[] ascending = new float[VOCABULARY];
        for (int i = 0; i < VOCABULARY; i++) {
            ascending[i] = i;
        }
        assertThat(Ranking.highestIds(ascending, 3)).containsExactly(VOCABULARY - 1, VOCABULARY - 2, VOCABULARY - 3);
        float[] equal = new float[VOCABULARY];
        assertThat(Ranking.highestIds(equal, 3)).containsExactly(0, 1, 2);
        Arrays.fill(equal, Float.NEGATIVE_INFINITY);
        assertThat(Ranking.highestIds(equal, 3)).containsExactly(0, 1, 2);
    }

    @Test
    void keysAscendWithValuesAndThenWithIds() {
        float[] values = {
            Float.NEGATIVE_INFINITY,
            -Float.MAX_VALUE,
            -1,
            -Float.MIN_VALUE,
            0,
            Float.MIN_VALUE,
            1,
            Float.MAX_VALUE,
            Float.POSITIVE_INFINITY
        };
        for (int i = 1; i < values.length; i++) {
            assertThat(Ranking.key(values[i - 1], Integer.MAX_VALUE)).isLessThan(Ranking.key(values[i], 0));
            assertThat(Ranking.key(values[i], 4)).isLessThan(Ranking.key(values[i], 5));
        }
        assertThat(Ranking.key(-0f, 1)).isEqualTo(Ranking.key(0f, 1));
        assertThat(Ranking.id(Ranking.key(-3.5f, VOCABULARY))).isEqualTo(VOCABULARY);
    }

    @Test
    void takesTheFewestThatHaveAMass() {
        Random random = new Random(2);
        for (int size : new int[] {1, 63, 300, VOCABULARY}) {
            for (boolean ties : new boolean[] {false, true}) {
                float[] scores = scores(random, size, ties);
                int[] all = sorted(scores);
                float[] masses = new Distribution(scores).probabilities;
                for (double mass : new double[] {1e-6, 0.3, 0.9, 0.999, 2}) {
                    int expected = 0;
                    double sum = 0;
                    while (expected < size && sum < mass) {
                        sum += masses[all[expected++]];
                    }
                    while (expected < size && scores[all[expected]] == scores[all[expected - 1]]) {
                        expected++;
                    }
                    int[] found = Ranking.lowestWithMass(Ranking.negated(scores), masses, mass);
                    assertThat(Arrays.stream(found).sorted().toArray())
                            .as("%s of %d, ties %s", mass, size, ties)
                            .isEqualTo(Arrays.stream(all, 0, expected).sorted().toArray());
                }
            }
        }
    }
}
