/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.qformer.BaseModelOutputWithPoolingAndCrossAttentions;
import io.github.blip2java.vision.BaseModelOutputWithPooling;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What {@link Blip2ForImageTextRetrieval#forward} returns. Reference: the class of the same name, whose {@code loss} is never set.
 *
 * @param logitsPerImage    with the matching head {@code [pairs, 2]}: no match, match; without it {@code [images, texts]}: cosines,
 *                          not divided by a temperature
 * @param logitsPerText     the same, transposed
 * @param textEmbeds        with the matching head {@code [pairs, queries + seq, hidden]}: all that the Q-Former made of queries and
 *                          text; without it {@code [texts, width]}, each of length 1
 * @param imageEmbeds       with the matching head {@code [images, patches + 1, vision hidden]}: the vision encoder's last hidden
 *                          state; without it {@code [images, queries, width]}, each of length 1
 * @param textModelOutput   what the Q-Former made of the texts, with the head together with the images
 * @param visionModelOutput what the vision encoder made of the images
 */
public record Blip2ImageTextMatchingModelOutput(
        INDArray logitsPerImage,
        INDArray logitsPerText,
        INDArray textEmbeds,
        INDArray imageEmbeds,
        BaseModelOutputWithPoolingAndCrossAttentions textModelOutput,
        BaseModelOutputWithPooling visionModelOutput) {}
