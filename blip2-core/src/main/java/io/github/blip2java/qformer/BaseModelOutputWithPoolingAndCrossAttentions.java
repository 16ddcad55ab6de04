/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What the Q-Former returns. Reference: {@code BaseModelOutputWithPoolingAndCrossAttentions}.
 *
 * @param lastHiddenState {@code [batch, seq, hidden]}: queries, then text where it is read too
 * @param poolerOutput    {@code [batch, hidden]}: position 0
 * @param hiddenStates    layers + 1 arrays {@code [batch, seq, hidden]}, the normed embeddings first; null unless asked
 *                        for
 * @param attentions      one array {@code [batch, heads, seq, seq]} a layer; null unless asked for
 * @param crossAttentions one array {@code [batch, heads, queries, patches + 1]} for each layer that looks at the image;
 *                        null unless asked for
 */
public record BaseModelOutputWithPoolingAndCrossAttentions(
        INDArray lastHiddenState,
        INDArray poolerOutput,
        List<INDArray> hiddenStates,
        List<INDArray> attentions,
        List<INDArray> crossAttentions) {}
