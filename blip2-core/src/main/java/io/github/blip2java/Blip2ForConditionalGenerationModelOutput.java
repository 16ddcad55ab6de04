/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.language.LanguageModelOutput;
import io.github.blip2java.qformer.BaseModelOutputWithPoolingAndCrossAttentions;
import io.github.blip2java.vision.BaseModelOutputWithPooling;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What {@code forward} returns. Reference: the class of the same name.
 *
 * @param loss                 the mean cross-entropy, or null without labels
 * @param logits               {@code [batch, seq, vocab]}; with an encoder–decoder model {@code [batch, target, vocab]};
 *                             with labels of a decoder-only model only the last {@code labels} positions
 * @param visionOutputs        what the vision encoder returned
 * @param qformerOutputs       what the Q-Former returned
 * @param languageModelOutputs what the language model returned
 */
public record Blip2ForConditionalGenerationModelOutput(
        Float loss,
        INDArray logits,
        BaseModelOutputWithPooling visionOutputs,
        BaseModelOutputWithPoolingAndCrossAttentions qformerOutputs,
        LanguageModelOutput languageModelOutputs) {}
