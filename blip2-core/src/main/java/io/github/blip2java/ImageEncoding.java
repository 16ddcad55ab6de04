/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.tensor.Tensor;
import io.github.blip2java.tensor.Tensors;
import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Images as the language model reads them: computed once, asked many times.
 *
 * <p>Immutable and safe for many threads. Belongs to the model that made it.
 */
public final class ImageEncoding {
    private final Tensor features;

    ImageEncoding(Tensor features) {
        this.features = features;
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
     */
    public ImageEncoding image(int image) {
        int size = features.dim(1) * features.dim(2);
        float[] one = Arrays.copyOfRange(features.data(), image * size, (image + 1) * size);
        return new ImageEncoding(Tensor.of(one, 1, features.dim(1), features.dim(2)));
    }

    /** The features of {@code rows} prompts; a single image serves all of them. */
    Tensor forRows(int rows) {
        if (batch() == rows) {
            return features;
        }
        if (batch() != 1) {
            throw new IllegalArgumentException("inputIds: expected one row for each of the " + batch() + " images, got "
                    + rows + "; pass one image for several texts, or as many texts as images");
        }
        Tensor repeated = Tensor.zeros(rows, features.dim(1), features.dim(2));
        for (int row = 0; row < rows; row++) {
            System.arraycopy(features.data(), 0, repeated.data(), row * features.data().length, features.data().length);
        }
        return repeated;
    }
}
