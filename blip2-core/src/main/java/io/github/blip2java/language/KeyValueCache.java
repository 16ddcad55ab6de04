/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.nn.HeadRows;
import io.github.blip2java.internal.tensor.Spans;
import io.github.blip2java.internal.tensor.Tensor;
import java.util.Arrays;
import java.util.BitSet;

/**
 * The keys and values of every position seen so far, so that a new token costs one row of work.
 *
 * <p>Each sequence has its own length, so a batch of unequal prompts needs no padding, and lies in a slot of its own.
 * {@link #select} only says which slot each sequence reads; slots are copied when two sequences that share one go on, and then
 * only the positions in which the free slot differs, which after the first step of a beam search are the last few. What is never
 * appended to, as the keys and values of T5's encoder, is never copied.
 *
 * <p>Grows as positions come, by a half of what it holds and up to the limit, so that a long one costs nothing until it is used. Belongs to one
 * call; not safe for several threads.
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
    /** Positions that are expected at most. */
    private int limit = Integer.MAX_VALUE;

    private int slots;
    /** For each sequence, where it lies. */
    private int[] slot;

    private int[] lengths;
    /** For each slot and position a number that stands for its content: equal numbers, equal content. */
    private int[][] contents;

    private int lastContent;
    private boolean shared;

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
        this.slots = rows;
        this.slot = new int[rows];
        Arrays.setAll(slot, row -> row);
        this.lengths = new int[rows];
        this.contents = new int[rows][capacity];
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
        KeyValueCache cache = new KeyValueCache(layers, rows, prompt + Math.min(maxNewTokens, STEP), width);
        cache.limit = (int) Math.min(Integer.MAX_VALUE, (long) prompt + maxNewTokens);
        return cache;
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

    /** Sequences that there is room for without copying. */
    int slots() {
        return slots;
    }

    /**
     * How many positions are stored for each sequence.
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
     * @throws IllegalArgumentException if a layer becomes larger than a Java array
     */
    public void append(int layer, Tensor k, Tensor v, Spans spans) {
        separate();
        ensureCapacity(spans);
        for (int s = 0; s < lengths.length; s++) {
            int from = spans.start(s);
            int to = slot[s] * capacity + lengths[s];
            Parallel.forRanges(spans.length(s), (first, end) -> {
                int count = (end - first) * width;
                System.arraycopy(k.data(), (from + first) * width, keys[layer], (to + first) * width, count);
                System.arraycopy(v.data(), (from + first) * width, values[layer], (to + first) * width, count);
            });
        }
    }

    /**
     * Makes the rows appended to every layer part of the past.
     *
     * @param spans the new rows of each sequence
     */
    public void advance(Spans spans) {
        for (int s = 0; s < lengths.length; s++) {
            for (int i = 0; i < spans.length(s); i++) {
                contents[slot[s]][lengths[s]++] = ++lastContent;
            }
        }
    }

    /**
     * Forgets the last positions.
     *
     * @param counts for each sequence, how many
     */
    public void drop(int... counts) {
        for (int s = 0; s < lengths.length; s++) {
            lengths[s] -= counts[s];
        }
    }

    /**
     * A layer's keys, the new rows included.
     *
     * @param layer which layer
     * @param spans the rows appended in this pass
     * @return the keys of each sequence
     */
    public HeadRows keys(int layer, Spans spans) {
        return new HeadRows(keys[layer], stored(spans), width, 0);
    }

    /**
     * A layer's values, the new rows included.
     *
     * @param layer which layer
     * @param spans the rows appended in this pass
     * @return the values of each sequence
     */
    public HeadRows values(int layer, Spans spans) {
        return new HeadRows(values[layer], stored(spans), width, 0);
    }

    /**
     * A layer's keys when nothing is being appended.
     *
     * @param layer which layer
     * @return the keys of each sequence
     */
    public HeadRows keys(int layer) {
        return keys(layer, Spans.padded(lengths.length, 0));
    }

    /**
     * A layer's values when nothing is being appended.
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
        slot = Arrays.stream(rows).map(row -> slot[row]).toArray();
        lengths = Arrays.stream(rows).map(row -> lengths[row]).toArray();
        shared = true;
    }

    private Spans stored(Spans added) {
        int[] starts = new int[lengths.length];
        int[] stored = new int[lengths.length];
        for (int s = 0; s < lengths.length; s++) {
            starts[s] = slot[s] * capacity;
            stored[s] = lengths[s] + added.length(s);
        }
        return new Spans(starts, stored);
    }

    /** Gives each sequence a slot of its own. */
    private void separate() {
        if (!shared) {
            return;
        }
        shared = false;
        BitSet taken = new BitSet();
        BitSet moving = new BitSet();
        for (int s = 0; s < slot.length; s++) {
            if (taken.get(slot[s])) {
                moving.set(s);
            }
            taken.set(slot[s]);
        }
        if (taken.cardinality() + moving.cardinality() > slots) {
            resize(slot.length, capacity);
        }
        for (int s = moving.nextSetBit(0); s >= 0; s = moving.nextSetBit(s + 1)) {
            int from = slot[s];
            int to = -1;
            int most = -1;
            for (int free = taken.nextClearBit(0); free < slots; free = taken.nextClearBit(free + 1)) {
                int alike = alike(contents[from], contents[free], lengths[s]);
                if (alike > most) {
                    most = alike;
                    to = free;
                }
            }
            copy(from, to, most, lengths[s]);
            taken.set(to);
            slot[s] = to;
        }
    }

    private static int alike(int[] one, int[] other, int length) {
        int differs = Arrays.mismatch(one, 0, length, other, 0, length);
        return differs < 0 ? length : differs;
    }

    /** Copies positions {@code from} to {@code to} of a slot. */
    private void copy(int source, int target, int from, int to) {
        System.arraycopy(contents[source], from, contents[target], from, to - from);
        int at = (source * capacity + from) * width;
        int into = (target * capacity + from) * width;
        int count = (to - from) * width;
        if (count > 0) {
            Parallel.forRange(keys.length, layer -> {
                System.arraycopy(keys[layer], at, keys[layer], into, count);
                System.arraycopy(values[layer], at, values[layer], into, count);
            });
        }
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
        long possible = MOST_ELEMENTS / Math.max(1, (long) slots * width);
        resize(slots, (int) Math.max(needed, Math.min(Math.min(larger, limit), possible)));
    }

    private void resize(int newSlots, int newCapacity) {
        int elements = elements(newSlots, newCapacity, width);
        int kept = Math.min(slots, newSlots);
        int[][] newContents = new int[newSlots][newCapacity];
        for (int i = 0; i < kept; i++) {
            System.arraycopy(contents[i], 0, newContents[i], 0, capacity);
        }
        contents = newContents;
        Parallel.forRange(2 * keys.length, half -> {
            float[][] store = half % 2 == 0 ? keys : values;
            int layer = half / 2;
            float[] resized = new float[elements];
            for (int i = 0; i < kept; i++) {
                System.arraycopy(
                        store[layer], i * capacity * width, resized, i * newCapacity * width, capacity * width);
            }
            store[layer] = resized;
        });
        slots = newSlots;
        capacity = newCapacity;
    }
}
