/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

/**
 * How well a label fits a picture.
 *
 * @param label       the label as given
 * @param cosine      between the picture and the label's embedding, −1 to 1
 * @param probability among the labels given, 0 to 1, all together 1: softmax of the cosines divided by {@link #TEMPERATURE}. It does
 *     not say whether any label fits at all
 */
public record LabelScore(String label, float cosine, float probability) {

    /** Where the training of BLIP-2 begins; published checkpoints do not hold the value that it learned. */
    public static final float TEMPERATURE = 0.07f;
}
