/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a model reads.
 *
 * @param pixelValues float32 {@code [images, 3, height, width]}, null without images
 * @param inputIds token ids, one row a text, null without texts; rows differ in length unless padded
 * @param attentionMask 1 for a token and 0 for padding, shaped as the ids, null without texts
 */
public record ProcessorOutput(INDArray pixelValues, long[][] inputIds, long[][] attentionMask) {}
