/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.memory;

import io.github.blip2java.Blip2Config;
import io.github.blip2java.vision.Blip2VisionConfig;

/** About what a call needs of memory while it computes, in bytes, beside the weights of its model. */
public final class CallMemory {
    /** Most activations of a batch of pictures, or of pairs of a picture and a text. */
    public static final long BATCH_BYTES = 256L << 20;

    /** Most pictures of a batch: with small models, so that results are not long in coming. */
    private static final int MOST_PICTURES = 32;

    /** Buffers of a layer that exist at the same time, on the heap and outside. */
    private static final int BUFFERS = 5;

    /** Positions of a prompt and its text beside those of the picture. */
    public static final int TEXT_POSITIONS = 64;

    private CallMemory() {}

    /**
     * Pictures to encode together: as many as fit into 256 MiB of activations, from 1 to 32.
     *
     * @param vision the image encoder
     * @param height of a picture in pixels, after resizing
     * @param width  of a picture in pixels, after resizing
     * @return pictures, 1 or more
     */
    public static int picturesAtATime(Blip2VisionConfig vision, int height, int width) {
        long fitting = BATCH_BYTES / activations(vision, height, width);
        return (int) Math.max(1, Math.min(MOST_PICTURES, fitting));
    }

    static long activations(Blip2VisionConfig vision, int height, int width) {
        long positions = (long) (height / vision.patchSize()) * (width / vision.patchSize()) + 1;
        int widest = Math.max(3 * vision.hiddenSize(), vision.intermediateSize());
        return positions * widest * Float.BYTES * BUFFERS;
    }

    /**
     * About what a call needs of memory while it computes.
     *
     * @param config    the model's configuration
     * @param pictures  pictures to encode, of the configured size
     * @param rows      texts
     * @param positions of each text beside those of the picture, new tokens included; they have keys and values
     * @param scored    positions of each text whose scores of all tokens are returned
     * @return bytes
     */
    public static long ofCall(Blip2Config config, long pictures, long rows, long positions, long scored) {
        Blip2VisionConfig vision = config.visionConfig();
        double each = (config.numQueryTokens() + (double) positions)
                        * config.textConfig().cacheBytesPerPosition()
                + (scored + 1.0) * config.textConfig().vocabSize() * Float.BYTES * 2;
        double bytes = (double) pictures * activations(vision, vision.imageSize(), vision.imageSize()) + rows * each;
        return (long) bytes; // the largest long where it is more
    }

    /**
     * About what a call of a retrieval model needs of memory while it computes.
     *
     * @param config    the model's configuration
     * @param pictures  pictures to encode, of the configured size
     * @param rows      texts, or pairs of a picture and a text; they are read in batches of bounded size
     * @param positions tokens of the longest text
     * @return bytes
     */
    public static long ofRetrieval(Blip2Config config, long pictures, long rows, long positions) {
        Blip2VisionConfig vision = config.visionConfig();
        double pairs = (double) rows * (ofRow(config, positions) + ofImage(config));
        return (long) ((double) pictures * activations(vision, vision.imageSize(), vision.imageSize())
                + Math.min(pairs, 2.0 * BATCH_BYTES));
    }

    /**
     * Activations of the queries and a text in the Q-Former.
     *
     * @param config    the model's configuration
     * @param positions tokens of the text
     * @return bytes
     */
    public static long ofRow(Blip2Config config, long positions) {
        return (config.numQueryTokens() + positions)
                * config.qformerConfig().intermediateSize()
                * Float.BYTES
                * BUFFERS;
    }

    /**
     * A picture that the Q-Former looks at, with its keys and values.
     *
     * @param config the model's configuration
     * @return bytes
     */
    public static long ofImage(Blip2Config config) {
        long side = config.visionConfig().imageSize() / config.visionConfig().patchSize();
        long width =
                config.visionConfig().hiddenSize() + 2L * config.qformerConfig().hiddenSize();
        return (side * side + 1) * width * Float.BYTES;
    }
}
