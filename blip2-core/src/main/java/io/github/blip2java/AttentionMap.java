/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a text, or a word of it, looks at in a picture: a number for each patch, for each head of an attention.
 *
 * @param values {@code [heads][rows][columns]}, 0 or more: the larger, the more a patch counts. Rows and columns are those of the patches
 *               of the picture as the model sees it, from its upper left corner. What the numbers measure their maker says; those of one map
 *               compare with each other
 */
public record AttentionMap(float[][][] values) {

    /**
     * Copies the numbers.
     *
     * @param values as above
     * @throws IllegalArgumentException if there are none, heads or rows differ in length, or a number is negative or not finite
     */
    public AttentionMap {
        values = Arrays.stream(values).map(AttentionMap::copy).toArray(float[][][]::new);
        if (values.length == 0 || values[0].length == 0 || values[0][0].length == 0) {
            throw new IllegalArgumentException("values: expected at least one head, row and column, got none");
        }
        int rows = values[0].length;
        int columns = values[0][0].length;
        for (float[][] head : values) {
            if (head.length != rows || Arrays.stream(head).anyMatch(row -> row.length != columns)) {
                throw new IllegalArgumentException("values: expected " + rows + " rows of " + columns
                        + " columns in every head, got others; make all heads as the first");
            }
            for (float[] row : head) {
                for (float value : row) {
                    if (!(value >= 0) || Float.isInfinite(value)) {
                        throw new IllegalArgumentException(
                                "values: expected finite numbers of 0 or more, got " + value);
                    }
                }
            }
        }
    }

    private static float[][] copy(float[][] rows) {
        return Arrays.stream(rows).map(float[]::clone).toArray(float[][]::new);
    }

    /** {@return a copy} */
    @Override
    public float[][][] values() {
        return Arrays.stream(values).map(AttentionMap::copy).toArray(float[][][]::new);
    }

    /** {@return heads of the attention} */
    public int heads() {
        return values.length;
    }

    /** {@return patches from top to bottom} */
    public int rows() {
        return values[0].length;
    }

    /** {@return patches from left to right} */
    public int columns() {
        return values[0][0].length;
    }

    /** {@return the mean over the heads {@code [rows][columns]}, a new array} */
    public float[][] mean() {
        float[][] mean = new float[rows()][columns()];
        for (float[][] head : values) {
            add(head, 1f / heads(), mean);
        }
        return mean;
    }

    /**
     * Takes several together, such as those of all layers.
     *
     * @param maps at least one, of the same heads, rows and columns
     * @return their mean, head by head
     * @throws IllegalArgumentException if there is none, or they differ in size
     */
    public static AttentionMap mean(List<AttentionMap> maps) {
        if (maps.isEmpty()) {
            throw new IllegalArgumentException("maps: expected at least one, got none");
        }
        AttentionMap first = maps.get(0);
        float[][][] mean = new float[first.heads()][first.rows()][first.columns()];
        for (AttentionMap map : maps) {
            if (!map.size().equals(first.size())) {
                throw new IllegalArgumentException("maps: expected " + first.size() + " in each, got " + map.size()
                        + "; take maps of one model and one size of pictures");
            }
            IntStream.range(0, mean.length).forEach(head -> add(map.values[head], 1f / maps.size(), mean[head]));
        }
        return new AttentionMap(mean);
    }

    private static void add(float[][] some, float factor, float[][] sum) {
        for (int row = 0; row < sum.length; row++) {
            for (int column = 0; column < sum[row].length; column++) {
                sum[row][column] += factor * some[row][column];
            }
        }
    }

    private String size() {
        return "[" + heads() + ", " + rows() + ", " + columns() + "]";
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof AttentionMap map && Arrays.deepEquals(values, map.values);
    }

    @Override
    public int hashCode() {
        return Arrays.deepHashCode(values);
    }

    @Override
    public String toString() {
        return "AttentionMap" + size();
    }
}
