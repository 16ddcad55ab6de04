/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.config;

/**
 * The largest sizes that a JSON file may ask for. They lie far above every published model, and low enough that no product of
 * two overflows an {@code int} and no array is made on the word of a file alone that a heap cannot hold.
 */
public final class Limits {
    /** Floats of a position, or of the inside of a feed-forward. */
    public static final int WIDTH = 1 << 18;

    /** Layers of a stack. */
    public static final int LAYERS = 1000;

    /** Attention heads of a layer. */
    public static final int HEADS = 1024;

    /** Tokens of a vocabulary. */
    public static final int VOCAB = 1 << 24;

    /** Positions of a text. */
    public static final int POSITIONS = 1 << 20;

    /** Image tokens of a picture. */
    public static final int QUERIES = 4096;

    /** Pixels along a side of the pictures that a model reads. */
    public static final int IMAGE_SIDE = 4096;

    private Limits() {}
}
