/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.vision;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What the vision encoder returns. Reference: {@code BaseModelOutputWithPooling}.
 *
 * @param lastHiddenState {@code [batch, patches + 1, hidden]}, after the final norm; the class position comes first
 * @param poolerOutput    {@code [batch, hidden]}: the class position, normed once more
 * @param hiddenStates    layers + 1 arrays {@code [batch, patches + 1, hidden]} before the final norm, the embeddings
 *                        first; null unless asked for
 * @param attentions      one array {@code [batch, heads, patches + 1, patches + 1]} a layer; null unless asked for
 */
public record BaseModelOutputWithPooling(
        INDArray lastHiddenState, INDArray poolerOutput, List<INDArray> hiddenStates, List<INDArray> attentions) {}
