/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import java.util.Arrays;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a model reads. Ids and mask are copied on the way in and out; the pixels are not.
 *
 * @param pixelValues float32 {@code [images, 3, height, width]}, null without images
 * @param inputIds token ids, one row a text, null without texts; rows differ in length unless padded
 * @param attentionMask 1 for a token and 0 for padding, shaped as the ids, null without texts
 */
public record ProcessorOutput(INDArray pixelValues, long[][] inputIds, long[][] attentionMask) {

    /**
     * Copies ids and mask.
     *
     * @param pixelValues as above
     * @param inputIds as above
     * @param attentionMask as above
     */
    public ProcessorOutput {
        inputIds = copy(inputIds);
        attentionMask = copy(attentionMask);
    }

    /** {@return a copy, or null} */
    @Override
    public long[][] inputIds() {
        return copy(inputIds);
    }

    /** {@return a copy, or null} */
    @Override
    public long[][] attentionMask() {
        return copy(attentionMask);
    }

    private static long[][] copy(long[][] rows) {
        return rows == null ? null : Arrays.stream(rows).map(long[]::clone).toArray(long[][]::new);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ProcessorOutput output
                && Objects.equals(pixelValues, output.pixelValues)
                && Arrays.deepEquals(inputIds, output.inputIds)
                && Arrays.deepEquals(attentionMask, output.attentionMask);
    }

    /** Without the pixels, which are equal within a tolerance. */
    @Override
    public int hashCode() {
        return 31 * Arrays.deepHashCode(inputIds) + Arrays.deepHashCode(attentionMask);
    }
}
