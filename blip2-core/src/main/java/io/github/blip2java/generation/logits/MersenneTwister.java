/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import java.util.Arrays;

/**
 * MT19937 (Matsumoto and Nishimura 1998), seeded by one number, as torch's generator on the CPU is; and torch's {@code randperm} of fewer
 * than 2³²/20 elements.
 */
final class MersenneTwister {
    private static final int N = 624;
    private static final int M = 397;

    private final int[] state = new int[N];
    private int next = N;

    /** Starts with a seed, of which torch takes the lower 32 bits. */
    MersenneTwister(int seed) {
        state[0] = seed;
        for (int i = 1; i < N; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ state[i - 1] >>> 30) + i;
        }
    }

    /** 32 random bits. */
    int next() {
        if (next == N) {
            refill();
        }
        int y = state[next++];
        y ^= y >>> 11;
        y ^= y << 7 & 0x9d2c5680;
        y ^= y << 15 & 0xefc60000;
        return y ^ y >>> 18;
    }

    private void refill() {
        for (int i = 0; i < N - M; i++) {
            state[i] = state[i + M] ^ twisted(i, i + 1);
        }
        for (int i = N - M; i < N - 1; i++) {
            state[i] = state[i + M - N] ^ twisted(i, i + 1);
        }
        state[N - 1] = state[M - 1] ^ twisted(N - 1, 0);
        next = 0;
    }

    private int twisted(int i, int following) {
        int y = state[i] & Integer.MIN_VALUE | state[following] & Integer.MAX_VALUE;
        return y >>> 1 ^ -(y & 1) & 0x9908b0df;
    }

    /** A number below a bound; a division of doubles is exact here, and faster than one of whole numbers. */
    private int next(int bound) {
        long bits = Integer.toUnsignedLong(next());
        return (int) (bits - (long) ((double) bits / bound) * bound);
    }

    /** The first elements of a random order of the numbers below n. */
    int[] permutation(int n, int first) {
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            order[i] = i;
        }
        for (int i = 0; i < Math.min(first, n - 1); i++) {
            int other = i + next(n - i);
            int swapped = order[i];
            order[i] = order[other];
            order[other] = swapped;
        }
        return Arrays.copyOf(order, first);
    }

    /** Whether a number is among the first elements of a random order of the numbers below n: follows that number alone. */
    boolean isAmong(int number, int n, int first) {
        int place = number;
        for (int i = 0; i < Math.min(first, n - 1); i++) {
            int other = i + next(n - i);
            if (place == other) {
                return true;
            }
            if (place == i) {
                place = other;
            }
        }
        return place < first;
    }
}
