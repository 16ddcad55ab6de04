/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.language.DecoderState;
import io.github.blip2java.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Takes the most probable token every time; finished rows leave the batch. */
final class GreedySearch implements DecodingStrategy {
    /** Tokens that a row gets room for at least, when it needs more. */
    private static final int STEP = 16;

    @Override
    public List<Continuation> decode(
            DecoderState state, int[][] prefix, LogitsProcessor processor, StoppingCriteria stopping) {
        Continuation[] finished = new Continuation[prefix.length];
        int[][] ids = prefix.clone();
        int[] live = IntStream.range(0, prefix.length).toArray();
        for (int length = prefix[0].length, step = 1; live.length > 0; length++, step++) {
            int[] kept = new int[live.length];
            int[] tokens = new int[live.length];
            int left = 0;
            for (int i = 0; i < live.length; i++) {
                int row = live[i];
                int token = next(state.logits(), i, ids[row], length, processor);
                ids[row] = append(ids[row], length, token);
                FinishReason reason = stopping.check(step, token);
                if (reason == null) {
                    kept[left] = i;
                    tokens[left++] = token;
                } else {
                    int from = prefix[row].length;
                    finished[row] = Continuation.of(Arrays.stream(ids[row], from, length + 1), reason);
                }
            }
            if (left == 0) {
                break;
            }
            if (left < live.length) {
                int[] going = Arrays.copyOf(kept, left);
                state.select(going);
                int[] rows = live;
                live = Arrays.stream(going).map(i -> rows[i]).toArray();
            }
            state.advance(Arrays.copyOf(tokens, left));
        }
        return List.of(finished);
    }

    /** Grows with the text: the limit of new tokens may be far above what comes. */
    private static int[] append(int[] ids, int length, int token) {
        int[] longer = length < ids.length ? ids : Arrays.copyOf(ids, length + Math.max(STEP, length / 2));
        longer[length] = token;
        return longer;
    }

    private static int next(Tensor logits, int row, int[] ids, int length, LogitsProcessor processor) {
        int vocab = logits.cols();
        int from = row * vocab;
        check(logits.data(), from, vocab);
        if (processor == LogitsProcessor.NONE) {
            return best(logits.data(), from, vocab);
        }
        float[] scores = Arrays.copyOfRange(logits.data(), from, from + vocab);
        processor.process(ids, length, scores);
        return best(scores, 0, vocab);
    }

    /** No model means NaN or infinity by a score, and the largest of such scores would be a wrong answer. */
    private static void check(float[] scores, int from, int vocab) {
        for (int token = 0; token < vocab; token++) {
            if (!Float.isFinite(scores[from + token])) {
                throw new IllegalStateException(
                        "logits: expected finite numbers, got " + scores[from + token]
                                + " for token " + token
                                + "; the weights overflow or are damaged: run `blip2 verify`, or download the checkpoint again");
            }
        }
    }

    /** The first of the highest scores. */
    private static int best(float[] scores, int from, int vocab) {
        int best = 0;
        for (int token = 1; token < vocab; token++) {
            if (scores[from + token] > scores[from + best]) {
                best = token;
            }
        }
        return best;
    }
}
