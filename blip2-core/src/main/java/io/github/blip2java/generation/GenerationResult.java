/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import java.util.List;

/**
 * What was generated. Reference: {@code GenerateDecoderOnlyOutput} and {@code GenerateEncoderDecoderOutput}.
 *
 * @param sequences     {@code [rows, length]} as {@code transformers} returns them: for a decoder-only model image ids,
 *                      prompt and new tokens, for an encoder–decoder model the start token and the new tokens; shorter
 *                      rows are filled with the padding id
 * @param newTokens     the new tokens alone, the end token included, one array a row without padding
 * @param finishReasons why each row ended
 */
public record GenerationResult(long[][] sequences, long[][] newTokens, List<FinishReason> finishReasons) {}
