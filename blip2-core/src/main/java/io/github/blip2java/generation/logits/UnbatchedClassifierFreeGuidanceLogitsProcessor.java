/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.generation.search.LogSoftmax;
import io.github.blip2java.language.DecoderState;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Moves log-probabilities away from those that the same tokens have after another prompt, one without the picture (Sanchez et al. 2023,
 * arXiv 2306.17806): u + scale · (c − u). Reference: {@code UnbatchedClassifierFreeGuidanceLogitsProcessor}, which there forgets to
 * reorder its own sequences when beams change places.
 */
public final class UnbatchedClassifierFreeGuidanceLogitsProcessor implements LogitsProcessor {
    private final float scale;
    private final Supplier<DecoderState> start;
    private DecoderState unconditional;
    /** The row of each sequence of the present step. */
    private Map<Hypothesis, Integer> rows;

    /**
     * Sets the scale.
     *
     * @param scale how far: 1 changes nothing, above 1 the picture counts for more
     * @param start reads the other prompts, one for each prompt; called once, at the first step
     * @throws IllegalArgumentException if the scale is no number
     */
    public UnbatchedClassifierFreeGuidanceLogitsProcessor(double scale, Supplier<DecoderState> start) {
        this.scale = (float) Requirement.that(
                Double.isFinite(scale), "guidanceScale", "a finite number", scale, "1 changes nothing");
        this.start = start;
    }

    /** Appends to its own sequences what these have more than those of the step before. */
    @Override
    public void begin(List<Hypothesis> sequences) {
        if (rows == null) {
            unconditional = start.get();
            unconditional.select(sequences.stream().mapToInt(Hypothesis::prompt).toArray());
        } else {
            int[] from = new int[sequences.size()];
            int[][] tokens = new int[from.length][];
            for (int row = 0; row < from.length; row++) {
                Hypothesis known = sequences.get(row);
                while (known != null && !rows.containsKey(known)) {
                    known = known.parent();
                }
                if (known == null) {
                    throw new IllegalStateException("guidanceScale: expected sequences that continue those of the step"
                            + " before, got another one; do not combine it with this way of searching");
                }
                from[row] = rows.get(known);
                int[] ids = sequences.get(row).ids();
                tokens[row] = Arrays.copyOfRange(ids, known.length(), ids.length);
            }
            if (Arrays.stream(tokens).allMatch(more -> more.length == 0)) {
                return; // the same step once more
            }
            unconditional.select(from);
            unconditional.advance(tokens);
        }
        rows = new IdentityHashMap<>();
        for (Hypothesis sequence : sequences) {
            rows.put(sequence, rows.size());
        }
    }

    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        int from = rows.get(hypothesis) * scores.length;
        float[] logits = unconditional.logits().data();
        float conditional = LogSoftmax.logSum(scores, 0, scores.length);
        float other = LogSoftmax.logSum(logits, from, scores.length);
        if (Float.isFinite(conditional) && !Float.isFinite(other)) {
            throw new IllegalStateException(
                    "logits: expected finite numbers, got others for the prompt without the picture; the"
                            + " weights overflow or are damaged: run `blip2 verify`, or download the checkpoint again");
        }
        for (int id = 0; id < scores.length; id++) {
            float u = logits[from + id] - other;
            scores[id] = scale * (scores[id] - conditional - u) + u;
        }
    }
}
