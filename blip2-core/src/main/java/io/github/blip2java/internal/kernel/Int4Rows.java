/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

import java.util.Arrays;

/**
 * Rows of 4-bit weights as they are stored, that is w = code · scale + offset with one scale and offset for each group.
 *
 * <p>A row is a whole number of blocks; a block is {@value #BLOCK} weights in {@value #BLOCK_BYTES} bytes: the 32-bit
 * little-endian word number 16·v + g (v 0 to 3, g 0 to 15) holds weights 8·v to 8·v + 7 of the block's group g, the first
 * in the lowest four bits. So neighbouring lanes of a vector belong to different groups, and what a lane adds up has one
 * scale.
 *
 * @param codes           {@value #BLOCK_BYTES} bytes for each block, row after row
 * @param scalesOffsets bfloat16, for each row {@value #BLOCK_GROUPS} scales for each block, then as many offsets
 * @param blocks          blocks in a row
 */
public record Int4Rows(byte[] codes, short[] scalesOffsets, int blocks) {
    /** Weights that share a scale and an offset. */
    public static final int GROUP = 32;

    /** Groups in a block: the int lanes of the longest vector there is. */
    public static final int BLOCK_GROUPS = 16;

    /** Weights in a block. */
    public static final int BLOCK = GROUP * BLOCK_GROUPS;

    /** Bytes of codes in a block. */
    public static final int BLOCK_BYTES = BLOCK / 2;

    /** Words of a group, eight weights each. */
    public static final int WORDS = GROUP / 8;

    /** Bytes from one word of a group to its next. */
    public static final int WORD_STRIDE = BLOCK_GROUPS * Integer.BYTES;

    /**
     * Gives room for rows.
     *
     * @param rows   number of rows
     * @param blocks blocks in a row
     * @return zeros
     */
    public static Int4Rows zeros(int rows, int blocks) {
        return new Int4Rows(new byte[rows * blocks * BLOCK_BYTES], new short[rows * blocks * BLOCK_GROUPS * 2], blocks);
    }

    /**
     * Gives the number of blocks that a row needs.
     *
     * @param in weights in the row
     * @return blocks, of which the last may be partly empty
     */
    public static int blocks(int in) {
        return (in + BLOCK - 1) / BLOCK;
    }

    /**
     * Says where the weights of a row are once they are widened in the order they are stored in: all groups' first weights,
     * then all groups' second ones, block by block.
     *
     * @param i number of the weight in its row
     * @return its place in storage order
     */
    public static int place(int i) {
        return i / BLOCK * BLOCK + i % GROUP * BLOCK_GROUPS + i / GROUP % BLOCK_GROUPS;
    }

    /**
     * Says where the weights of a row are once they are rounded to bytes: a 16-bit word of the row, four weights, becomes two, of which
     * the first takes the lower two weights, and lies as many words before the second as a block has groups.
     *
     * @param i number of the weight in its row
     * @return its place
     */
    public static int bytePlace(int i) {
        int inWord = i % 4;
        int word = i % GROUP / 4;
        int vector = word / 2 * 2 + inWord / 2;
        return i / BLOCK * BLOCK + (vector * BLOCK_GROUPS + i / GROUP % BLOCK_GROUPS) * 4 + word % 2 * 2 + inWord % 2;
    }

    /**
     * Puts activations in the order of {@link #bytePlace}.
     *
     * @param x    activations
     * @param from the row's first
     * @param in   their number
     * @param out  receives all of the row's blocks; zeros where there are no weights
     * @param to   where they go
     */
    public static void inBytePlaces(float[] x, int from, int in, float[] out, int to) {
        for (int block = 0; block < in / BLOCK; block++) {
            int source = from + block * BLOCK;
            int target = to + block * BLOCK;
            for (int vector = 0; vector < 2 * WORDS; vector++) {
                int first = source + vector / 2 * 8 + vector % 2 * 2;
                for (int group = 0; group < BLOCK_GROUPS; group++) {
                    int i = first + group * GROUP;
                    out[target] = x[i];
                    out[target + 1] = x[i + 1];
                    out[target + 2] = x[i + 4];
                    out[target + 3] = x[i + 5];
                    target += 4;
                }
            }
        }
        int rest = in / BLOCK * BLOCK;
        if (rest < in) {
            Arrays.fill(out, to + rest, to + rest + BLOCK, 0);
        }
        for (int i = rest; i < in; i++) {
            out[to + bytePlace(i)] = x[from + i];
        }
    }

    /**
     * Says where a group's first word is.
     *
     * @param group number of the group in its row
     * @return bytes from the row's first
     */
    public static int firstByte(int group) {
        return group / BLOCK_GROUPS * BLOCK_BYTES + group % BLOCK_GROUPS * Integer.BYTES;
    }

    /**
     * The largest magnitude that a row can hold.
     *
     * @param row number of the row
     * @return what the code 0 or 15 of any group stands for
     */
    public float highest(int row) {
        float highest = 0;
        for (int group = 0; group < groups(); group++) {
            float scale = ScalarInt4.bfloat(scalesOffsets[scalesFrom(row) + group]);
            float offset = ScalarInt4.bfloat(scalesOffsets[offsetsFrom(row) + group]);
            highest = Math.max(highest, Math.max(Math.abs(offset), Math.abs(15 * scale + offset)));
        }
        return highest;
    }

    int groups() {
        return blocks * BLOCK_GROUPS;
    }

    int codesFrom(int row) {
        return row * blocks * BLOCK_BYTES;
    }

    int scalesFrom(int row) {
        return row * groups() * 2;
    }

    int offsetsFrom(int row) {
        return scalesFrom(row) + groups();
    }
}
