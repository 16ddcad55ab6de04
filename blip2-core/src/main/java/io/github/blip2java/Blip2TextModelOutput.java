/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What {@link Blip2TextModelWithProjection} returns. Reference: the class of the same name.
 *
 * @param textEmbeds      {@code [batch, seq, width]}, each of length 1; position 0 is the text's, the others mean nothing by
 *                        themselves
 * @param lastHiddenState {@code [batch, seq, hidden]}: the Q-Former's
 * @param hiddenStates    layers + 1 arrays {@code [batch, seq, hidden]}, the normed embeddings first; null unless asked for
 * @param attentions      one array {@code [batch, heads, seq, seq]} a layer; null unless asked for
 */
public record Blip2TextModelOutput(
        INDArray textEmbeds, INDArray lastHiddenState, List<INDArray> hiddenStates, List<INDArray> attentions) {}
