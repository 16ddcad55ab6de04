/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Images as a retrieval model reads them: computed once, compared with any number of texts.
 *
 * <p>Immutable and safe for many threads. Belongs to the model that made it. With the published checkpoints an image takes 1.5 MB on
 * the heap, 4 MB with the {@code -coco} ones; of its embeddings alone, 32 KB.
 */
public final class RetrievalImages {
    private final Tensor imageEmbeds;
    private final int rows;
    private final Tensor features;
    private final Object model;

    /**
     * Keeps what the vision encoder and the queries made of images.
     *
     * @param imageEmbeds {@code [images, patches + 1, vision hidden]}
     * @param rows        patches of each image from top to bottom
     * @param features    {@code [images, queries, width]}, each of length 1
     * @param model       stands for the model that made them
     * @throws IllegalStateException if a feature is no finite number
     */
    RetrievalImages(Tensor imageEmbeds, int rows, Tensor features, Object model) {
        ImageEncoding.requireFinite("image features", features);
        this.imageEmbeds = imageEmbeds;
        this.rows = rows;
        this.features = features;
        this.model = model;
    }

    /** {@return the number of images} */
    public int size() {
        return features.dim(0);
    }

    /** {@return all embeddings, a new array {@code [images, queries, width]}, each of length 1} */
    public INDArray embeddings() {
        return Tensors.toINDArray(features);
    }

    /**
     * An image's embeddings, one for each query. The cosine of a text is the largest of theirs.
     *
     * @param image 0 to size − 1
     * @return {@code [queries][width]}, each of length 1
     * @throws IllegalArgumentException if there is no such image
     */
    public float[][] queryEmbeddings(int image) {
        check(image);
        int queries = features.dim(1);
        int width = features.dim(2);
        float[][] rows = new float[queries][];
        for (int query = 0; query < queries; query++) {
            int from = (image * queries + query) * width;
            rows[query] = Arrays.copyOfRange(features.data(), from, from + width);
        }
        return rows;
    }

    /**
     * One embedding for an image as a whole: the mean of {@link #queryEmbeddings}, brought to length 1. For comparing images with each
     * other, and for stores that keep one vector a picture; for texts the query embeddings are exact.
     *
     * @param image 0 to size − 1
     * @return {@code [width]}, of length 1
     * @throws IllegalArgumentException if there is no such image
     */
    public float[] embedding(int image) {
        float[] mean = new float[features.dim(2)];
        for (float[] query : queryEmbeddings(image)) {
            for (int i = 0; i < mean.length; i++) {
                mean[i] += query[i] / features.dim(1);
            }
        }
        return Elementwise.normalize(Tensor.of(mean, 1, mean.length)).data();
    }

    /**
     * Picks one image.
     *
     * @param image 0 to size − 1
     * @return it alone
     * @throws IllegalArgumentException if there is no such image
     */
    public RetrievalImages image(int image) {
        check(image);
        return new RetrievalImages(imageEmbeds.gatherSlices(image), rows, features.gatherSlices(image), model);
    }

    /**
     * Puts images together that were encoded apart.
     *
     * @param parts at least one, of one model and one size
     * @return all images, in order
     * @throws IllegalArgumentException if there is none, or models or sizes differ
     */
    public static RetrievalImages join(List<RetrievalImages> parts) {
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("parts: expected at least one, got none");
        }
        RetrievalImages first = parts.get(0);
        for (RetrievalImages part : parts) {
            if (!part.isOf(first.model)
                    || part.imageEmbeds.dim(1) != first.imageEmbeds.dim(1)
                    || part.rows != first.rows) {
                throw new IllegalArgumentException(
                        "parts: expected images that one model encoded at one size, got others; keep them apart");
            }
        }
        return parts.size() == 1
                ? first
                : new RetrievalImages(
                        Tensor.join(parts.stream().map(part -> part.imageEmbeds).toList()),
                        first.rows,
                        Tensor.join(parts.stream().map(part -> part.features).toList()),
                        first.model);
    }

    private void check(int image) {
        if (image < 0 || image >= size()) {
            throw new IllegalArgumentException("image: expected 0 to " + (size() - 1) + ", got " + image);
        }
    }

    boolean isOf(Object otherModel) {
        return model == otherModel;
    }

    /** Patches of an image from top to bottom. */
    int rows() {
        return rows;
    }

    Tensor features() {
        return features;
    }

    /** What the vision encoder made of some images {@code [some, patches + 1, vision hidden]}. */
    Tensor imageEmbeds(int... some) {
        return some.length == size() ? imageEmbeds : imageEmbeds.gatherSlices(some);
    }
}
