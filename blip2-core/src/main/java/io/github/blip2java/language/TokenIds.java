/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import java.util.Arrays;

/** Checks and conversions of id matrices {@code [batch, seq]}. */
public final class TokenIds {
    private TokenIds() {}

    /**
     * Flattens ids for a lookup.
     *
     * @param ids {@code [batch, seq]}, checked by {@link #ids}
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
        int columns = seq >= 0 ? seq : values[0] == null ? 0 : values[0].length;
        for (int row = 0; row < values.length; row++) {
            int length = values[row] == null ? 0 : values[row].length;
            if (length != columns || columns == 0) {
                throw new IllegalArgumentException(expected + length + " values in row " + row
                        + "; pad shorter rows and mark the padding with 0 in the attention mask");
            }
        }
        return values;
    }

    /**
     * Checks token ids.
     *
     * @param name   what the caller calls them
     * @param values the rows
     * @param batch  rows expected, or -1 for any number above 0
     * @param vocab  size of the vocabulary
     * @return values
     * @throws IllegalArgumentException if they form no matrix, or one is not from 0 to vocab - 1
     */
    public static long[][] ids(String name, long[][] values, int batch, int vocab) {
        matrix(name, values, batch, -1);
        for (int row = 0; row < values.length; row++) {
            for (int column = 0; column < values[row].length; column++) {
                if (values[row][column] < 0 || values[row][column] >= vocab) {
                    throw new IllegalArgumentException(name + ": expected ids from 0 to " + (vocab - 1) + ", got "
                            + values[row][column] + " in row " + row + ", column " + column
                            + "; the tokenizer and the checkpoint do not belong together");
                }
            }
        }
        return values;
    }

    /**
     * Checks a mask, or makes one that keeps everything.
     *
     * @param name what the caller calls it
     * @param mask the rows, or null for all ones
     * @param ids  what it masks
     * @return a mask of the shape of ids
     * @throws IllegalArgumentException if it has another shape, or a value is neither 0 nor 1
     */
    public static long[][] mask(String name, long[][] mask, long[][] ids) {
        if (mask == null) {
            return ones(ids.length, ids[0].length);
        }
        matrix(name, mask, ids.length, ids[0].length);
        for (int row = 0; row < mask.length; row++) {
            for (int column = 0; column < mask[row].length; column++) {
                long keep = mask[row][column];
                if (keep != 0 && keep != 1) {
                    throw new IllegalArgumentException(name + ": expected 1 (keep) or 0 (padding), got " + keep
                            + " in row " + row + ", column " + column + "; Blip2Processor makes it");
                }
            }
        }
        return mask;
    }

    /**
     * Checks that no row is all padding.
     *
     * @param name what the caller calls the mask
     * @param mask {@code [batch, seq]}, checked by {@link #mask}
     * @throws IllegalArgumentException if a row keeps nothing
     */
    public static void checkKept(String name, long[][] mask) {
        for (int row = 0; row < mask.length; row++) {
            if (Arrays.stream(mask[row]).allMatch(keep -> keep == 0)) {
                throw new IllegalArgumentException(name + ": expected at least one 1 in every row, got none in row "
                        + row + "; a text cannot be all padding");
            }
        }
    }

    /**
     * Copies rows, so that nobody else's changes are seen.
     *
     * @param values the rows, or null; a row may be null, which {@link #matrix} refuses later
     * @return new rows, or null for null
     */
    public static long[][] copy(long[][] values) {
        return values == null
                ? null
                : Arrays.stream(values)
                        .map(row -> row == null ? null : row.clone())
                        .toArray(long[][]::new);
    }
}
