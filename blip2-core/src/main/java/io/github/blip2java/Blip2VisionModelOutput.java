/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What {@link Blip2VisionModelWithProjection} returns. Reference: the class of the same name.
 *
 * @param imageEmbeds     {@code [batch, queries, width]}, each of length 1
 * @param lastHiddenState {@code [batch, patches + 1, vision hidden]}: the vision encoder's, not the Q-Former's
 * @param hiddenStates    of the vision encoder, layers + 1 arrays, the embeddings first; null unless asked for
 * @param attentions      of the vision encoder, one array a layer; null unless asked for
 */
public record Blip2VisionModelOutput(
        INDArray imageEmbeds, INDArray lastHiddenState, List<INDArray> hiddenStates, List<INDArray> attentions) {}
