/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.internal.tensor.Tensor;
import java.util.List;

/**
 * What happened inside a decoder while it read some positions of one sequence: the prompt at first, a token later.
 *
 * <p>Reference: {@code decoder_hidden_states}, {@code decoder_attentions} and {@code cross_attentions} of {@code generate}'s output, for OPT
 * {@code hidden_states} and {@code attentions}.
 *
 * @param hiddenStates    {@code [positions, hidden]} before each layer and after the last; null unless asked for
 * @param attentions      {@code [heads, positions, keys]} of each layer; null unless asked for
 * @param crossAttentions {@code [heads, positions, encoder positions]} of each layer of an encoder–decoder model, empty for a decoder-only
 *                        one; null unless asked for
 */
public record DecoderPass(List<Tensor> hiddenStates, List<Tensor> attentions, List<Tensor> crossAttentions) {}
