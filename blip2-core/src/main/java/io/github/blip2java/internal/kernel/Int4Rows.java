/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.kernel;

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
     * Says where a group's first word is.
     *
     * @param group number of the group in its row
     * @return bytes from the row's first
     */
    public static int firstByte(int group) {
        return group / BLOCK_GROUPS * BLOCK_BYTES + group % BLOCK_GROUPS * Integer.BYTES;
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
