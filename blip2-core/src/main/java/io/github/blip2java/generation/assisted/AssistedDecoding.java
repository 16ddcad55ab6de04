/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.assisted;

import io.github.blip2java.generation.Cancellation;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.generation.StoppingCriteria;
import io.github.blip2java.generation.TokenListener;
import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.GreedySearch;
import io.github.blip2java.generation.search.LogSoftmax;
import io.github.blip2java.generation.search.Multinomial;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.DecoderPass;
import io.github.blip2java.language.DecoderState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Decodes guesses of several tokens in one pass and keeps those that are right: the text is that of greedy search, or drawn from the same
 * distribution as by sampling, in fewer passes (Leviathan et al. 2023, arXiv 2211.17192). One prompt at a time. Reference: {@code
 * _assisted_decoding}, which looks at the stopping rules only after all that a pass has given; here they hold for each token.
 */
public final class AssistedDecoding {
    private final CandidateGenerator generator;
    private final int maxNewTokens;
    private final LogitsProcessor processor;
    private final StoppingCriteria stopping;
    private final RandomGenerator random;
    private final Frontier.Kept kept;

    /**
     * Makes ready for one call.
     *
     * @param generator    guesses
     * @param maxNewTokens new tokens that there is room for, which {@code stopping} knows too
     * @param processor    changes the scores
     * @param stopping     says when the sequence is finished
     * @param random       draws tokens; null takes the most probable
     * @param kept         what the sequence is to keep
     * @throws IllegalArgumentException if it is to keep what happens inside the model, whose passes do not fall into steps here
     */
    public AssistedDecoding(
            CandidateGenerator generator,
            int maxNewTokens,
            LogitsProcessor processor,
            StoppingCriteria stopping,
            RandomGenerator random,
            Frontier.Kept kept) {
        if (kept.passes()) {
            throw new IllegalArgumentException(
                    "output_hidden_states, output_attentions: expected false where several tokens"
                            + " are decoded at once, got true; leave out the assistant or prompt_lookup_num_tokens");
        }
        this.generator = generator;
        this.maxNewTokens = maxNewTokens;
        this.processor = processor;
        this.stopping = stopping;
        this.random = random;
        this.kept = kept;
    }

    /**
     * Decodes.
     *
     * @param state        the prompt, read, one row; consumed
     * @param prompt       the sequence without new tokens
     * @param listener     hears of tokens
     * @param cancellation ends the decoding between two passes
     * @return the sequence
     */
    public Hypothesis run(DecoderState state, Hypothesis prompt, TokenListener listener, Cancellation cancellation) {
        Hypothesis sequence = prompt;
        while (!cancellation.isCancelled()) {
            // The last token is not decoded yet, but for the prompt's.
            int[] last = sequence == prompt ? new int[0] : new int[] {sequence.lastToken()};
            CandidateGenerator.Candidates candidates =
                    generator.candidates(sequence, maxNewTokens - sequence.newTokens() - 1);
            int[] guess = candidates.tokens();
            Hypothesis longer = accept(decode(state, last, guess), sequence, candidates);
            int accepted = longer.newTokens() - sequence.newTokens();
            listener.onTokens(
                    0,
                    Arrays.stream(longer.tokens())
                            .skip(sequence.newTokens())
                            .asLongStream()
                            .toArray());
            sequence = longer;
            if (sequence.finishReason() != null) {
                return sequence;
            }
            generator.update(guess.length, accepted - 1);
            if (accepted - 1 < guess.length) {
                state.drop(guess.length - (accepted - 1));
            }
        }
        return sequence.finish(FinishReason.CANCELLED);
    }

    /** The logits before each guess and after the last of them. */
    private static List<Tensor> decode(DecoderState state, int[] last, int[] guess) {
        List<Tensor> logits = new ArrayList<>();
        if (last.length == 0) {
            logits.add(state.logits());
        }
        int[] tokens =
                IntStream.concat(Arrays.stream(last), Arrays.stream(guess)).toArray();
        if (tokens.length > 0) {
            Tensor after = state.advance(new int[][] {tokens});
            for (int i = 0; i < tokens.length; i++) {
                logits.add(after.gatherRows(i));
            }
        }
        return logits;
    }

    /** The sequence with the tokens that are right and the one after them, as far as it does not end before. */
    private Hypothesis accept(List<Tensor> logits, Hypothesis sequence, CandidateGenerator.Candidates candidates) {
        Hypothesis longer = sequence;
        for (int i = 0; ; i++) {
            Frontier frontier = new Frontier(List.of(longer), new Position(logits.get(i)), processor, kept);
            float[] scores = frontier.scores(0);
            boolean guessed = i < candidates.tokens().length;
            int token = guessed && random != null && candidates.scores() != null
                    ? speculate(scores, candidates.scores()[i], candidates.tokens()[i])
                    : random == null ? GreedySearch.best(scores) : Multinomial.draw(scores, random);
            longer = frontier.extend(0, token, 0, scores);
            longer.finish(stopping.check(longer));
            if (longer.finishReason() != null || !guessed || token != candidates.tokens()[i]) {
                return longer;
            }
        }
    }

    /**
     * Keeps a token that was drawn from one distribution, or draws another, so that the result is distributed by the other. Reference:
     * {@code _speculative_sampling}.
     */
    private int speculate(float[] scores, float[] guessScores, int guess) {
        float sum = LogSoftmax.logSum(scores, 0, scores.length);
        float guessSum = LogSoftmax.logSum(guessScores, 0, guessScores.length);
        if (random.nextDouble() <= Math.exp(scores[guess] - sum - (guessScores[guess] - guessSum))) {
            return guess;
        }
        float[] rest = new float[scores.length];
        float most = Float.NEGATIVE_INFINITY;
        for (int token = 0; token < rest.length; token++) {
            double missing = Math.exp(scores[token] - sum) - Math.exp(guessScores[token] - guessSum);
            rest[token] = missing > 0 ? (float) Math.log(missing) : Float.NEGATIVE_INFINITY;
            most = Math.max(most, rest[token]);
        }
        return Multinomial.draw(most == Float.NEGATIVE_INFINITY ? scores : rest, random);
    }

    /** One position of a pass over several, as a frontier reads it. */
    private record Position(Tensor logits) implements DecoderState {
        @Override
        public Tensor hidden(int row) {
            throw new UnsupportedOperationException();
        }

        @Override
        public DecoderPass pass(int row) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void advance(int... tokens) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Tensor advance(int[][] tokens) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void drop(int... counts) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void select(int... rows) {
            throw new UnsupportedOperationException();
        }
    }
}
