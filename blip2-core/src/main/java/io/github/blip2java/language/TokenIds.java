/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import java.util.Arrays;

/** Checks and conversions of id matrices {@code [batch, seq]}. */
public final class TokenIds {
    private TokenIds() {}

    /**
     * Flattens ids for a lookup.
     *
     * @param ids {@code [batch, seq]}
     * @return all ids, row after row
     */
    public static int[] flatten(long[][] ids) {
        return Arrays.stream(ids)
                .flatMapToLong(Arrays::stream)
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    /**
     * Makes a mask that keeps everything.
     *
     * @param batch rows
     * @param seq   columns
     * @return {@code [batch, seq]} of ones
     */
    public static long[][] ones(int batch, int seq) {
        long[][] ones = new long[batch][seq];
        for (long[] row : ones) {
            Arrays.fill(row, 1);
        }
        return ones;
    }

    /**
     * Tells whether a mask keeps everything.
     *
     * @param mask {@code [batch, seq]}
     * @return true if no entry is 0
     */
    public static boolean allOnes(long[][] mask) {
        return Arrays.stream(mask).flatMapToLong(Arrays::stream).allMatch(keep -> keep != 0);
    }

    /**
     * Checks that ids or a mask form a matrix.
     *
     * @param name   what the caller calls it
     * @param values the rows
     * @param batch  rows expected, or -1 for any number above 0
     * @param seq    columns expected, or -1 for any number above 0, equal in all rows
     * @return values
     * @throws IllegalArgumentException if it is null, ragged, empty or of another size
     */
    public static long[][] matrix(String name, long[][] values, int batch, int seq) {
        String expected =
                name + ": expected [" + (batch < 0 ? "batch" : batch) + ", " + (seq < 0 ? "seq" : seq) + "], got ";
        if (values == null) {
            throw new IllegalArgumentException(expected + "null; Blip2Processor makes it");
        }
        if (values.length == 0 || batch >= 0 && values.length != batch) {
            throw new IllegalArgumentException(
                    expected + values.length + " rows; one row belongs to each image or text");
        }
        int columns = seq < 0 ? values[0].length : seq;
        for (int row = 0; row < values.length; row++) {
            if (values[row].length != columns || columns == 0) {
                throw new IllegalArgumentException(expected + values[row].length + " values in row " + row
                        + "; pad shorter rows and mark the padding with 0 in the attention mask");
            }
        }
        return values;
    }
}
