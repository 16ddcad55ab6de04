/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.processor.Image;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * What a {@link PictureIndex} asks of a model. {@link Blip2PictureEncoder} is the one for BLIP-2.
 *
 * <p>Implementations are safe for many threads at once.
 */
public interface PictureEncoder {
    /** {@return what tells this model's embeddings from those of others} */
    ModelFingerprint fingerprint();

    /** {@return how many pictures are best encoded together, at least 1} */
    int batchSize();

    /**
     * Reads a picture file and makes it small, so that many of them fit into memory.
     *
     * @param file the file
     * @return the picture, of the size that the model looks at
     * @throws IOException when there is none to be had, with a message that begins with the file's name and says what to do
     */
    Image read(Path file) throws IOException;

    /**
     * Embeds pictures.
     *
     * @param images at least one
     * @return for each picture {@code [queries][width]}, rows of length 1
     */
    List<float[][]> encode(List<Image> images);

    /**
     * Embeds a text.
     *
     * @param text some words
     * @return {@code [width]}, of length 1; its cosine with a picture is the largest with any of the picture's rows
     * @throws IllegalArgumentException when there are no words in it
     */
    float[] encode(String text);

    /**
     * Looks at pictures and a text together.
     *
     * @param images at least one
     * @param text some words
     * @return for each picture how well it fits
     */
    List<ImageTextMatch> match(List<Image> images, String text);
}
