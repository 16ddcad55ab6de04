/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Texts as a retrieval model reads them: embedded once, compared with any number of images.
 *
 * <p>Immutable and safe for many threads. Belongs to the model that made it.
 */
public final class RetrievalTexts {
    private final List<long[]> ids;
    private final Tensor features;
    private final Object model;

    /**
     * Keeps texts and their embeddings.
     *
     * @param ids      each text's own ids, without padding
     * @param features {@code [texts, width]}, each of length 1
     * @param model    stands for the model that made them
     * @throws IllegalStateException if a feature is no finite number
     */
    RetrievalTexts(List<long[]> ids, Tensor features, Object model) {
        ImageEncoding.requireFinite("text features", features);
        this.ids = ids;
        this.features = features;
        this.model = model;
    }

    /** {@return the number of texts} */
    public int size() {
        return ids.size();
    }

    /** {@return all embeddings, a new array {@code [texts, width]}, each of length 1} */
    public INDArray embeddings() {
        return Tensors.toINDArray(features);
    }

    /**
     * A text's embedding.
     *
     * @param text 0 to size − 1
     * @return {@code [width]}, of length 1
     * @throws IllegalArgumentException if there is no such text
     */
    public float[] embedding(int text) {
        if (text < 0 || text >= size()) {
            throw new IllegalArgumentException("text: expected 0 to " + (size() - 1) + ", got " + text);
        }
        int width = features.cols();
        return Arrays.copyOfRange(features.data(), text * width, (text + 1) * width);
    }

    boolean isOf(Object otherModel) {
        return model == otherModel;
    }

    List<long[]> ids() {
        return ids;
    }

    Tensor features() {
        return features;
    }
}
