/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

/**
 * How well a label fits a picture.
 *
 * @param label       the label as given
 * @param cosine      between the picture and the label's embedding, −1 to 1
 * @param probability among the labels given, 0 to 1, all together 1
 */
public record LabelScore(String label, float cosine, float probability) {}
