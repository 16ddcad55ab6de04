/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import java.util.Arrays;

/**
 * Order among values of a vocabulary, sorted no further than is asked for. A key holds a value in its upper half and the id in its
 * lower, so that keys compare as values do, and of equal values the lower id comes first; the reference leaves their order open.
 */
final class Ranking {
    /** So few keys are sorted in place of being parted further. */
    private static final int FEW = 64;

    /** Values are put on shelves by their upper 13 bits: sign, exponent and 4 bits of the fraction. */
    private static final int SHELF_BITS = 19;

    private static final int SHELVES = 1 << Integer.SIZE - SHELF_BITS;

    private Ranking() {}

    /** What ascends with the value, then with the id; the value is no NaN. */
    static long key(float value, int id) {
        int bits = Float.floatToRawIntBits(value + 0f); // −0 becomes 0
        return (long) (bits ^ bits >> 31 & Integer.MAX_VALUE) << 32 | id;
    }

    static int id(long key) {
        return (int) key;
    }

    /** The id of the highest score. */
    static int highestId(float[] scores) {
        int best = 0;
        float highest = scores[0];
        for (int id = 1; id < scores.length; id++) {
            if (scores[id] > highest) {
                best = id;
                highest = scores[id];
            }
        }
        return best;
    }

    /** The value of the rank-th highest score, from 1; the lowest where there are fewer. */
    static float highest(float[] scores, int rank) {
        if (rank == 1) {
            return scores[highestId(scores)];
        }
        int[] ids = highestIds(scores, rank);
        return scores[ids[ids.length - 1]];
    }

    /** The rank-th lowest value, from 1. */
    static float lowest(float[] values, int rank) {
        float[] negated = new float[values.length];
        for (int id = 0; id < values.length; id++) {
            negated[id] = -values[id];
        }
        return -highest(negated, rank);
    }

    /** The ids of the highest scores, the highest first. */
    static int[] highestIds(float[] scores, int count) {
        int wanted = Math.min(count, scores.length);
        // Candidates gather behind the best found so far; whenever there is no room left, the best of both are kept.
        long[] keys = new long[(int) Math.min(scores.length, 2L * wanted + FEW)];
        int filled = 0;
        float bound = Float.NEGATIVE_INFINITY;
        for (int id = 0; id < scores.length; id++) {
            if (filled == keys.length) {
                Arrays.sort(keys);
                filled = wanted;
                bound = scores[id(keys[wanted - 1])];
            }
            if (scores[id] > bound || filled < wanted) {
                keys[filled++] = key(-scores[id], id);
            }
        }
        Arrays.sort(keys, 0, filled);
        int[] ids = new int[wanted];
        Arrays.setAll(ids, i -> id(keys[i]));
        return ids;
    }

    /**
     * Finds the fewest of the lowest values that have a mass together.
     *
     * @param values {@code [vocab]}, no NaN
     * @param masses {@code [vocab]}: for each id its mass, 0 or more
     * @param mass   to be reached
     * @return the key of the last of them; that of the highest where all together do not reach it, and the lowest long for none
     */
    static long lowestWithMass(float[] values, float[] masses, double mass) {
        if (mass <= 0) {
            return Long.MIN_VALUE;
        }
        // Masses of values whose upper bits are equal; only those where the mass is reached are put in order.
        double[] shelves = new double[SHELVES];
        for (int id = 0; id < values.length; id++) {
            shelves[shelf(values[id])] += masses[id];
        }
        int reached = 0;
        double before = 0;
        int last = 0;
        while (reached < SHELVES && before + shelves[reached] < mass) {
            before += shelves[reached];
            last = shelves[reached] > 0 ? reached : last;
            reached++;
        }
        return reached < SHELVES
                ? reaching(keysOf(reached, values), masses, mass - before)
                : Arrays.stream(keysOf(last, values)).max().orElse(Long.MIN_VALUE);
    }

    private static int shelf(float value) {
        return (int) (key(value, 0) >> Integer.SIZE + SHELF_BITS) + SHELVES / 2;
    }

    private static long[] keysOf(int shelf, float[] values) {
        long[] keys = new long[values.length];
        int count = 0;
        for (int id = 0; id < values.length; id++) {
            if (shelf(values[id]) == shelf) {
                keys[count++] = key(values[id], id);
            }
        }
        return Arrays.copyOf(keys, count);
    }

    /** The key with which the lowest keys reach a mass; the highest where all do not, by rounding. */
    private static long reaching(long[] keys, float[] masses, double mass) {
        int from = 0;
        int to = keys.length;
        double before = 0;
        while (to - from > FEW) {
            int middle = part(keys, from, to);
            double lower = 0;
            for (int i = from; i < middle; i++) {
                lower += masses[id(keys[i])];
            }
            if (before + lower >= mass) {
                to = middle;
            } else {
                before += lower;
                from = middle;
            }
        }
        Arrays.sort(keys, from, to);
        while (from < to - 1 && before + masses[id(keys[from])] < mass) {
            before += masses[id(keys[from++])];
        }
        return keys[from];
    }

    /** Moves the lower keys of a part before the higher ones; returns where the higher ones begin, which is inside the part. */
    private static int part(long[] keys, int from, int to) {
        long a = keys[from];
        long b = keys[from + to >>> 1];
        long c = keys[to - 1];
        long pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
        int low = from;
        int high = to - 1;
        while (true) {
            while (keys[low] < pivot) {
                low++;
            }
            while (keys[high] > pivot) {
                high--;
            }
            if (low >= high) {
                return low;
            }
            long swapped = keys[low];
            keys[low++] = keys[high];
            keys[high--] = swapped;
        }
    }
}
