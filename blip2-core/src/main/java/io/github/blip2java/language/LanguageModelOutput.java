/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a language model returns for a full pass. Reference: {@code CausalLMOutputWithPast} and {@code Seq2SeqLMOutput}.
 *
 * @param logits                 {@code [batch, seq, vocab]}; for an encoder–decoder model {@code [batch, target, vocab]}
 * @param hiddenStates           the decoder's, layers + 1 arrays: its input, then each layer's output, the last one after
 *                               the final norm; null unless asked for
 * @param attentions             the decoder's, one array {@code [batch, heads, queries, keys]} a layer; null unless asked
 *                               for
 * @param crossAttentions        one array a decoder layer; null unless asked for, and for decoder-only models
 * @param encoderLastHiddenState {@code [batch, seq, hidden]}; null for decoder-only models
 * @param encoderHiddenStates    as hiddenStates, of the encoder; null unless asked for, and for decoder-only models
 * @param encoderAttentions      as attentions, of the encoder; null unless asked for, and for decoder-only models
 */
public record LanguageModelOutput(
        INDArray logits,
        List<INDArray> hiddenStates,
        List<INDArray> attentions,
        List<INDArray> crossAttentions,
        INDArray encoderLastHiddenState,
        List<INDArray> encoderHiddenStates,
        List<INDArray> encoderAttentions) {}
