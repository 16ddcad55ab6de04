/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.language.TokenIds;
import java.util.Arrays;
import java.util.List;

/**
 * What was generated. Reference: {@code GenerateDecoderOnlyOutput} and {@code GenerateEncoderDecoderOutput}.
 *
 * @param sequences     {@code [rows, length]} as {@code transformers} returns them: for a decoder-only model image ids,
 *                      prompt and new tokens, for an encoder–decoder model the start token and the new tokens; shorter
 *                      rows are filled with the padding id
 * @param newTokens     the new tokens alone, the end token included, one array a row without padding
 * @param finishReasons why each row ended; unmodifiable
 * @param logProbabilities for each of {@code newTokens} the logarithm of what the model gave it, before any processor; null
 *                      unless asked for
 */
public record GenerationResult(
        long[][] sequences, long[][] newTokens, List<FinishReason> finishReasons, float[][] logProbabilities) {

    /**
     * Copies all rows.
     *
     * @param sequences as above
     * @param newTokens as above
     * @param finishReasons as above
     * @param logProbabilities as above
     */
    public GenerationResult {
        sequences = TokenIds.copy(sequences);
        newTokens = TokenIds.copy(newTokens);
        finishReasons = List.copyOf(finishReasons);
        logProbabilities = copy(logProbabilities);
    }

    /**
     * Takes rows alone.
     *
     * @param sequences as above
     * @param newTokens as above
     * @param finishReasons as above
     */
    public GenerationResult(long[][] sequences, long[][] newTokens, List<FinishReason> finishReasons) {
        this(sequences, newTokens, finishReasons, null);
    }

    private static float[][] copy(float[][] rows) {
        return rows == null ? null : Arrays.stream(rows).map(float[]::clone).toArray(float[][]::new);
    }

    /** {@return a copy; null unless asked for} */
    @Override
    public float[][] logProbabilities() {
        return copy(logProbabilities);
    }

    /** {@return a copy} */
    @Override
    public long[][] sequences() {
        return TokenIds.copy(sequences);
    }

    /** {@return a copy} */
    @Override
    public long[][] newTokens() {
        return TokenIds.copy(newTokens);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof GenerationResult result
                && Arrays.deepEquals(sequences, result.sequences)
                && Arrays.deepEquals(newTokens, result.newTokens)
                && finishReasons.equals(result.finishReasons)
                && Arrays.deepEquals(logProbabilities, result.logProbabilities);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.deepHashCode(sequences) + finishReasons.hashCode(); // equal ones have equal sequences
    }

    @Override
    public String toString() {
        return "GenerationResult[sequences=" + Arrays.deepToString(sequences) + ", newTokens="
                + Arrays.deepToString(newTokens) + ", finishReasons=" + finishReasons + "]";
    }
}
