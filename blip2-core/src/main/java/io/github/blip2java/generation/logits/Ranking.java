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

    private static final int BINS = 4096;
    private static final int BINS_PER_UNIT = 64;

    private Ranking() {}

    /** What ascends with the value, then with the id; the value is no NaN. */
    static long key(float value, int id) {
        int bits = Float.floatToRawIntBits(value + 0f); // −0 becomes 0
        return (long) (bits ^ bits >> 31 & Integer.MAX_VALUE) << 32 | id;
    }

    static int id(long key) {
        return (int) key;
    }

    /** What is in the opposite order. */
    static float[] negated(float[] values) {
        float[] negated = new float[values.length];
        for (int id = 0; id < values.length; id++) {
            negated[id] = -values[id];
        }
        return negated;
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
     * Finds the fewest tokens with the lowest values that have a mass together, and those whose value is that of the last of them.
     *
     * @param values {@code [vocab]}, no NaN: negative logarithms of masses or the like, so that differences of 1/64 part them well
     * @param masses {@code [vocab]}: for each id its mass, 0 or more
     * @param mass   to be reached; 0 by none
     * @return ids, in no order; those of all finite values where they do not reach it
     */
    static int[] lowestWithMass(float[] values, float[] masses, double mass) {
        float lowest = Float.POSITIVE_INFINITY;
        for (float value : values) {
            lowest = value < lowest ? value : lowest;
        }
        double[] sums = new double[BINS];
        for (int id = 0; id < values.length; id++) {
            if (masses[id] > 0) { // sparing many forbidden tokens, which would wait for each other at one bin
                sums[bin(values[id] - lowest)] += masses[id];
            }
        }
        int last = 0;
        double before = 0;
        while (last < BINS - 1 && before + sums[last] < mass) {
            before += sums[last++];
        }
        // All of the bins before are taken; only in the last one does the order matter.
        int[] ids = new int[values.length];
        int found = 0;
        long[] keys = new long[FEW];
        int count = 0;
        for (int id = 0; id < values.length; id++) {
            int bin = bin(values[id] - lowest);
            ids[found] = id;
            found += bin - last >>> Integer.SIZE - 1; // 1 where bin < last; a branch would be guessed wrong too often
            if (bin == last && values[id] < Float.POSITIVE_INFINITY) {
                keys = count == keys.length ? Arrays.copyOf(keys, 2 * count) : keys;
                keys[count++] = key(values[id], id);
            }
        }
        int kept = reaching(keys, count, masses, mass - before);
        for (int i = 0; i < count; i++) {
            if (i < kept || kept > 0 && values[id(keys[i])] == values[id(keys[kept - 1])]) {
                ids[found++] = id(keys[i]);
            }
        }
        return Arrays.copyOf(ids, found);
    }

    private static int bin(float above) {
        float bin = above * BINS_PER_UNIT;
        return bin < BINS ? (int) bin : BINS - 1;
    }

    /** Moves the lowest keys that reach a mass to the front, the highest of them last; returns how many, all where they do not. */
    private static int reaching(long[] keys, int count, float[] masses, double mass) {
        int from = 0;
        int to = count;
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
        while (from < to && before < mass) {
            before += masses[id(keys[from++])];
        }
        return from;
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
