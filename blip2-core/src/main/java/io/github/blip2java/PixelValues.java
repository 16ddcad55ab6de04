/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Pictures as the vision model reads them, for programs that need no {@link INDArray}: ND4J, which takes a part of a second to start,
 * is left alone.
 *
 * @param values float32 {@code [images, 3, height, width]}, row-major; neither copied nor written to
 * @param images 1 or more
 * @param height in pixels
 * @param width  in pixels
 */
public record PixelValues(float[] values, int images, int height, int width) {
    private static final int CHANNELS = 3;

    /**
     * Keeps values.
     *
     * @param values as above
     * @param images as above
     * @param height as above
     * @param width  as above
     * @throws IllegalArgumentException if a size is not positive, or the number of values is not that of the sizes
     */
    public PixelValues {
        long expected = (long) images * CHANNELS * height * width;
        if (values == null || images < 1 || height < 1 || width < 1 || values.length != expected) {
            throw new IllegalArgumentException("pixelValues: expected " + images + " x " + CHANNELS + " x " + height
                    + " x "
                    + width + " values, sizes of at least 1, got "
                    + (values == null ? "null" : values.length + " values") + "; pass them with their own sizes");
        }
    }

    /** {@return a new array {@code [images, 3, height, width]} with the same values} */
    public INDArray toINDArray() {
        return Tensors.toINDArray(tensor());
    }

    Tensor tensor() {
        return Tensor.of(values, images, CHANNELS, height, width);
    }
}
