/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Images as the language model reads them: computed once, asked many times.
 *
 * <p>Immutable and safe for many threads. Belongs to the model that made it.
 */
public final class ImageEncoding {
    private final Tensor features;
    private final Object model;

    /**
     * Keeps features.
     *
     * @param features {@code [batch, queries, language hidden]}
     * @param model    stands for the model that made them
     * @throws IllegalStateException if a feature is no finite number
     */
    ImageEncoding(Tensor features, Object model) {
        requireFinite("image features", features);
        this.features = features;
        this.model = model;
    }

    static void requireFinite(String name, Tensor features) {
        for (float feature : features.data()) {
            if (!Float.isFinite(feature)) {
                throw new IllegalStateException(
                        name + ": expected finite numbers, got " + feature
                                + "; the weights overflow or are damaged: run `blip2 verify`, or download the checkpoint again");
            }
        }
    }

    /**
     * Gives the number of images.
     *
     * @return the batch size
     */
    public int batch() {
        return features.dim(0);
    }

    /**
     * Gives the projected query outputs.
     *
     * @return a new array {@code [batch, queries, language hidden]}
     */
    public INDArray features() {
        return Tensors.toINDArray(features);
    }

    /**
     * Picks one image of a batch.
     *
     * @param image 0 to batch - 1
     * @return its encoding
     * @throws IllegalArgumentException if there is no such image
     */
    public ImageEncoding image(int image) {
        if (image < 0 || image >= batch()) {
            throw new IllegalArgumentException("image: expected 0 to " + (batch() - 1) + ", got " + image);
        }
        return new ImageEncoding(features.gatherSlices(image), model);
    }

    /** Whether the model that stands behind this object made the features. */
    boolean isOf(Object otherModel) {
        return model == otherModel;
    }

    /** The features of {@code rows} prompts, as many as images; a single image serves any number. */
    Tensor forRows(int rows) {
        return batch() == rows ? features : features.repeat(rows);
    }
}
