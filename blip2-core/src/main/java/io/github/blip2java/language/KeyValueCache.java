/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.nn.HeadRows;
import io.github.blip2java.tensor.Spans;
import io.github.blip2java.tensor.Tensor;
import java.util.Arrays;

/**
 * The keys and values of every position seen so far, so that a new token costs one row of work.
 *
 * <p>Allocated once for the longest sequence expected and grown only if that is exceeded. Each sequence has its own
 * length, so a batch of unequal prompts needs no padding. Belongs to one call; not safe for several threads.
 */
public final class KeyValueCache {
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
     * @param capacity positions expected per sequence
     * @param width    heads * headDim
     */
    public KeyValueCache(int layers, int rows, int capacity, int width) {
        this.width = width;
        this.capacity = capacity;
        this.lengths = new int[rows];
        this.keys = new float[layers][Math.multiplyExact(Math.multiplyExact(rows, capacity), width)];
        this.values = new float[layers][Math.multiplyExact(Math.multiplyExact(rows, capacity), width)];
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
            int from = spans.starts()[s] * width;
            int to = (s * capacity + lengths[s]) * width;
            int count = spans.lengths()[s] * width;
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
            lengths[s] += spans.lengths()[s];
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
                float[] selected = new float[Math.multiplyExact(rows.length, block)];
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
            stored[s] = lengths[s] + added.lengths()[s];
        }
        return new Spans(starts, stored);
    }

    private void ensureCapacity(Spans added) {
        int needed = Arrays.stream(stored(added).lengths()).max().orElse(0);
        if (needed <= capacity) {
            return;
        }
        int larger = Math.max(needed, capacity + capacity / 2);
        for (float[][] store : new float[][][] {keys, values}) {
            for (int layer = 0; layer < store.length; layer++) {
                float[] grown = new float[Math.multiplyExact(lengths.length * larger, width)];
                for (int s = 0; s < lengths.length; s++) {
                    System.arraycopy(store[layer], s * capacity * width, grown, s * larger * width, capacity * width);
                }
                store[layer] = grown;
            }
        }
        capacity = larger;
    }
}
