/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.language.DecoderState;
import io.github.blip2java.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Takes the most probable token every time; finished rows leave the batch. */
final class GreedySearch implements DecodingStrategy {

    @Override
    public List<Continuation> decode(
            DecoderState state, long[][] prefix, LogitsProcessor processor, StoppingCriteria stopping) {
        Continuation[] finished = new Continuation[prefix.length];
        long[][] ids = new long[prefix.length][];
        int start = prefix[0].length;
        List<Integer> live = new ArrayList<>();
        for (int row = 0; row < prefix.length; row++) {
            ids[row] = Arrays.copyOf(prefix[row], start + stopping.maxNewTokens());
            live.add(row);
        }
        for (int step = 0; !live.isEmpty(); step++) {
            int length = start + step;
            List<Integer> kept = new ArrayList<>();
            List<Integer> tokens = new ArrayList<>();
            for (int i = 0; i < live.size(); i++) {
                int row = live.get(i);
                int token = next(state.logits(), i, ids[row], length, processor);
                ids[row][length] = token;
                FinishReason reason = stopping.check(step + 1, token);
                if (reason == null) {
                    kept.add(i);
                    tokens.add(token);
                } else {
                    finished[row] = new Continuation(Arrays.copyOfRange(ids[row], start, length + 1), reason);
                }
            }
            if (kept.size() < live.size()) {
                state.select(ints(kept));
                live = kept.stream().map(live::get).toList();
            }
            if (!live.isEmpty()) {
                state.advance(ints(tokens));
            }
        }
        return List.of(finished);
    }

    private static int next(Tensor logits, int row, long[] ids, int length, LogitsProcessor processor) {
        int vocab = logits.cols();
        float[] scores = Arrays.copyOfRange(logits.data(), row * vocab, (row + 1) * vocab);
        processor.process(ids, length, scores);
        int best = 0;
        for (int token = 0; token < vocab; token++) {
            if (Float.isNaN(scores[token])) {
                throw new IllegalStateException(
                        "logits: expected numbers, got NaN for token " + token
                                + "; the weights overflow or are damaged: run `blip2 verify`, or download the checkpoint again");
            }
            if (scores[token] > scores[best]) {
                best = token;
            }
        }
        return best;
    }

    private static int[] ints(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }
}
