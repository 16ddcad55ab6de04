/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.qformer.BaseModelOutputWithPoolingAndCrossAttentions;
import io.github.blip2java.vision.BaseModelOutputWithPooling;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Image features at every stage. Reference: the class of the same name.
 *
 * @param lastHiddenState {@code [batch, patches + 1, vision hidden]}: the vision encoder's
 * @param poolerOutput    {@code [batch, queries, language hidden]}: what the language model reads in place of image tokens
 * @param visionOutputs   what the vision encoder returned
 * @param qformerOutputs  what the Q-Former returned
 */
public record BaseModelOutputWithVisionQformerOutputs(
        INDArray lastHiddenState,
        INDArray poolerOutput,
        BaseModelOutputWithPooling visionOutputs,
        BaseModelOutputWithPoolingAndCrossAttentions qformerOutputs) {}
