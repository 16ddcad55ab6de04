/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.language.DecoderPass;
import io.github.blip2java.language.TokenIds;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * What was generated: {@code num_return_sequences} rows for each prompt, those of a prompt one after the other, the best first.
 *
 * @param sequences     {@code [rows, length]} as {@code transformers} returns them: for a decoder-only model image ids,
 *                      prompt and new tokens, for an encoder–decoder model the start token and the new tokens; shorter
 *                      rows are filled with the padding id
 * @param newTokens     the new tokens alone, the end token included, one array a row without padding
 * @param finishReasons why each row ended; unmodifiable
 * @param details       what else was asked for
 */
public record GenerationResult(
        long[][] sequences, long[][] newTokens, List<FinishReason> finishReasons, Details details) {

    /**
     * Copies all rows.
     *
     * @param sequences as above
     * @param newTokens as above
     * @param finishReasons as above
     * @param details as above
     */
    public GenerationResult {
        sequences = TokenIds.copy(sequences);
        newTokens = TokenIds.copy(newTokens);
        finishReasons = List.copyOf(finishReasons);
        Objects.requireNonNull(details);
    }

    /**
     * Takes rows alone.
     *
     * @param sequences as above
     * @param newTokens as above
     * @param finishReasons as above
     */
    public GenerationResult(long[][] sequences, long[][] newTokens, List<FinishReason> finishReasons) {
        this(sequences, newTokens, finishReasons, Details.NONE);
    }

    /**
     * What goes with the rows; each is null unless it was asked for, or the search has it. The arrays are not copied. Reference:
     * {@code GenerateBeamDecoderOnlyOutput} and its kind, whose tensors are ordered by steps and beams; here everything is
     * ordered by the rows of the result.
     *
     * @param sequenceScores   {@code [rows]}: the scores by which beams were ordered; from beam searches
     * @param beamIndices      {@code [rows][new tokens]}: the row, among all beams of all prompts, that each token was appended to; from
     *                         beam searches
     * @param logProbabilities {@code [rows][new tokens]}: the logarithm of what the model gave each token, before any processor
     *                         ({@link GenerationHooks#logProbabilities})
     * @param scores           {@code [rows][new tokens][vocab]}: the processed scores that each token was chosen from
     *                         ({@code output_scores})
     * @param logits           {@code [rows][new tokens][vocab]}: what the model gave ({@code output_logits})
     * @param passes           {@code [rows][new tokens]}: hidden states and attentions of the pass that each token follows from ({@code
     *                         output_hidden_states}, {@code output_attentions})
     */
    public record Details(
            float[] sequenceScores,
            int[][] beamIndices,
            float[][] logProbabilities,
            float[][][] scores,
            float[][][] logits,
            DecoderPass[][] passes) {
        /** Nothing was asked for. */
        public static final Details NONE = new Details(null, null, null, null, null, null);
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

    /** {@return whether rows and reasons are equal; details do not count} */
    @Override
    public boolean equals(Object other) {
        return other instanceof GenerationResult result
                && Arrays.deepEquals(sequences, result.sequences)
                && Arrays.deepEquals(newTokens, result.newTokens)
                && finishReasons.equals(result.finishReasons);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.deepHashCode(sequences) + finishReasons.hashCode();
    }

    @Override
    public String toString() {
        return "GenerationResult[sequences=" + Arrays.deepToString(sequences) + ", newTokens="
                + Arrays.deepToString(newTokens) + ", finishReasons=" + finishReasons + "]";
    }
}
