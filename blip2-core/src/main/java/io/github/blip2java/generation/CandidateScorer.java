/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.generation.search.LogSoftmax;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.DecoderState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Says how probable given continuations of a prompt are; the prompt is read once. */
public final class CandidateScorer {
    /** Logits held at a time: 64 MiB. */
    private static final int MOST_LOGITS = 1 << 24;

    private CandidateScorer() {}

    /**
     * Scores continuations.
     *
     * @param state      one prompt, read; consumed
     * @param candidates {@code [candidates][length]}, ids, one or more each
     * @return {@code [candidates][length]}: log P(id | prompt and the ids before it)
     */
    public static float[][] score(DecoderState state, int[][] candidates) {
        float[] first = state.logits().data().clone();
        int vocab = first.length;
        float firstSum = LogSoftmax.logSum(first, 0, vocab);
        float[][] scores = new float[candidates.length][];
        List<Integer> longer = new ArrayList<>();
        for (int c = 0; c < candidates.length; c++) {
            scores[c] = new float[candidates[c].length];
            scores[c][0] = first[candidates[c][0]] - firstSum;
            if (candidates[c].length > 1) {
                longer.add(c);
            }
        }
        for (int from = 0; from < longer.size(); ) {
            int to = from;
            for (long logits = 0; to < longer.size() && (to == from || logits <= MOST_LOGITS); to++) {
                logits += (long) (candidates[longer.get(to)].length - 1) * vocab;
            }
            scoreTogether(state, candidates, longer.subList(from, to), scores);
            from = to;
        }
        return scores;
    }

    private static void scoreTogether(DecoderState state, int[][] candidates, List<Integer> some, float[][] scores) {
        int[][] read = some.stream()
                .map(c -> Arrays.copyOf(candidates[c], candidates[c].length - 1))
                .toArray(int[][]::new);
        state.select(new int[read.length]);
        Tensor logits = state.advance(read);
        int row = 0;
        for (int i = 0; i < read.length; i++) {
            int candidate = some.get(i);
            for (int t = 1; t <= read[i].length; t++, row++) {
                int at = row * logits.cols();
                scores[candidate][t] = logits.data()[at + candidates[candidate][t]]
                        - LogSoftmax.logSum(logits.data(), at, logits.cols());
            }
        }
        state.drop(Arrays.stream(read).mapToInt(tokens -> tokens.length).toArray());
    }
}
