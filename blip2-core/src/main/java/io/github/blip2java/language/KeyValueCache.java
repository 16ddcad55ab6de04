/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.nn.HeadRows;
import io.github.blip2java.tensor.Spans;
import io.github.blip2java.tensor.Tensor;
import java.util.Arrays;

/**
 * The keys and values of every position seen so far, so that a new token costs one row of work.
 *
 * <p>Grows as positions come, by a half of what it holds, so that a long limit costs nothing until it is used. Each
 * sequence has its own length, so a batch of unequal prompts needs no padding. Belongs to one call; not safe for several
 * threads.
 */
public final class KeyValueCache {
    /** Positions that {@link #start} and growth make room for at least: enough for many captions. */
    static final int STEP = 16;

    /** The longest array that every JVM can make. */
    private static final long MOST_ELEMENTS = Integer.MAX_VALUE - 8L;

    private final int width;
    private final float[][] keys;
    private final float[][] values;
    private int capacity;
    private int[] lengths;

    /**
     * Makes an empty cache.
     *
     * @param layers   attention layers
     * @param rows     sequences
     * @param capacity positions to make room for at once
     * @param width    heads * headDim
     * @throws IllegalArgumentException if a layer is larger than a Java array
     */
    public KeyValueCache(int layers, int rows, int capacity, int width) {
        this.width = width;
        this.capacity = capacity;
        this.lengths = new int[rows];
        this.keys = new float[layers][elements(rows, capacity, width)];
        this.values = new float[layers][elements(rows, capacity, width)];
    }

    /**
     * Makes an empty cache for prompts and the first of the tokens that may follow.
     *
     * @param layers       attention layers
     * @param rows         sequences
     * @param prompt       positions of the longest prompt
     * @param maxNewTokens tokens that may follow, of which few may come
     * @param width        heads * headDim
     * @return the cache
     * @throws IllegalArgumentException if a layer is larger than a Java array
     */
    public static KeyValueCache start(int layers, int rows, int prompt, int maxNewTokens, int width) {
        return new KeyValueCache(layers, rows, prompt + Math.min(maxNewTokens, STEP), width);
    }

    private static int elements(int rows, int positions, int width) {
        // A product of two ints fits into a long, one of three may not.
        if (positions > 0 && (long) rows * width > MOST_ELEMENTS / positions) {
            throw new IllegalArgumentException("key/value cache: expected at most "
                    + MOST_ELEMENTS / Math.max(1, (long) rows * width) + " positions for " + rows + " sequences, got "
                    + positions + "; lower maxNewTokens, or generate fewer texts at a time");
        }
        return rows * positions * width;
    }

    /** Positions that there is room for in each sequence. */
    int capacity() {
        return capacity;
    }

    /**
     * Gives the positions stored for each sequence.
     *
     * @return a copy of the lengths
     */
    public int[] lengths() {
        return lengths.clone();
    }

    /**
     * Appends the new rows' keys and values to one layer. They count once {@link #advance} has been called.
     *
     * @param layer which layer
     * @param k     {@code [new rows, width]}
     * @param v     {@code [new rows, width]}
     * @param spans the new rows of each sequence
     */
    public void append(int layer, Tensor k, Tensor v, Spans spans) {
        ensureCapacity(spans);
        for (int s = 0; s < lengths.length; s++) {
            int from = spans.start(s) * width;
            int to = (s * capacity + lengths[s]) * width;
            int count = spans.length(s) * width;
            System.arraycopy(k.data(), from, keys[layer], to, count);
            System.arraycopy(v.data(), from, values[layer], to, count);
        }
    }

    /**
     * Makes the rows appended to every layer part of the past.
     *
     * @param spans the new rows of each sequence
     */
    public void advance(Spans spans) {
        for (int s = 0; s < lengths.length; s++) {
            lengths[s] += spans.length(s);
        }
    }

    /**
     * Gives a layer's keys, the new rows included.
     *
     * @param layer which layer
     * @param spans the rows appended in this pass
     * @return the keys of each sequence
     */
    public HeadRows keys(int layer, Spans spans) {
        return new HeadRows(keys[layer], stored(spans), width, 0);
    }

    /**
     * Gives a layer's values, the new rows included.
     *
     * @param layer which layer
     * @param spans the rows appended in this pass
     * @return the values of each sequence
     */
    public HeadRows values(int layer, Spans spans) {
        return new HeadRows(values[layer], stored(spans), width, 0);
    }

    /**
     * Gives a layer's keys when nothing is being appended.
     *
     * @param layer which layer
     * @return the keys of each sequence
     */
    public HeadRows keys(int layer) {
        return keys(layer, Spans.padded(lengths.length, 0));
    }

    /**
     * Gives a layer's values when nothing is being appended.
     *
     * @param layer which layer
     * @return the values of each sequence
     */
    public HeadRows values(int layer) {
        return values(layer, Spans.padded(lengths.length, 0));
    }

    /**
     * Keeps, repeats or reorders sequences.
     *
     * @param rows for each new sequence, which old one it continues
     */
    public void select(int... rows) {
        int block = capacity * width;
        int[] newLengths = Arrays.stream(rows).map(row -> lengths[row]).toArray();
        for (float[][] store : new float[][][] {keys, values}) {
            for (int layer = 0; layer < store.length; layer++) {
                float[] selected = new float[elements(rows.length, capacity, width)];
                for (int i = 0; i < rows.length; i++) {
                    System.arraycopy(store[layer], rows[i] * block, selected, i * block, newLengths[i] * width);
                }
                store[layer] = selected;
            }
        }
        lengths = newLengths;
    }

    private Spans stored(Spans added) {
        int[] starts = new int[lengths.length];
        int[] stored = new int[lengths.length];
        for (int s = 0; s < lengths.length; s++) {
            starts[s] = s * capacity;
            stored[s] = lengths[s] + added.length(s);
        }
        return new Spans(starts, stored);
    }

    private void ensureCapacity(Spans added) {
        int needed = 0;
        for (int s = 0; s < lengths.length; s++) {
            needed = Math.max(needed, lengths[s] + added.length(s));
        }
        if (needed <= capacity) {
            return;
        }
        long larger = capacity + Math.max(STEP, capacity / 2L);
        long most = MOST_ELEMENTS / Math.max(1, (long) lengths.length * width);
        int grownCapacity = (int) Math.max(needed, Math.min(larger, most));
        int elements = elements(lengths.length, grownCapacity, width);
        for (float[][] store : new float[][][] {keys, values}) {
            for (int layer = 0; layer < store.length; layer++) {
                float[] grown = new float[elements];
                for (int s = 0; s < lengths.length; s++) {
                    int from = s * capacity * width;
                    System.arraycopy(store[layer], from, grown, s * grownCapacity * width, capacity * width);
                }
                store[layer] = grown;
            }
        }
        capacity = grownCapacity;
    }
}
