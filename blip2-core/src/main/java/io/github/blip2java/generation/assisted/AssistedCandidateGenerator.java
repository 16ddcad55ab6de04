/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.assisted;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.generation.search.GreedySearch;
import io.github.blip2java.generation.search.LogSoftmax;
import io.github.blip2java.generation.search.Multinomial;
import io.github.blip2java.language.DecoderState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Lets a smaller model guess. Reference: {@code AssistedCandidateGenerator}, but for the threshold, which stays as it was set.
 */
public final class AssistedCandidateGenerator implements CandidateGenerator {
    private final DecoderState assistant;
    private final Options options;
    private final LogitsProcessor processor;
    private final RandomGenerator random;
    private int numTokens;
    /** New tokens that the assistant has decoded. */
    private List<Integer> decoded = new ArrayList<>();

    /**
     * How much to guess.
     *
     * @param numTokens           tokens at a time, 1 or more: {@code num_assistant_tokens}
     * @param heuristic           whether their number grows by 2 when all were right, and else shrinks by 1:
     *                            {@code num_assistant_tokens_schedule}
     * @param confidenceThreshold the probability of a token below which it is the last guess: {@code assistant_confidence_threshold}
     * @param eos                 the end tokens, after which nothing is guessed
     */
    public record Options(int numTokens, boolean heuristic, double confidenceThreshold, List<Integer> eos) {}

    /**
     * Starts with an assistant that has read its prompt.
     *
     * @param assistant a model of the same vocabulary, one row; consumed
     * @param options   how much to guess
     * @param processor changes the assistant's scores, as it does the model's
     * @param random    draws the guesses; null takes the most probable
     */
    public AssistedCandidateGenerator(
            DecoderState assistant, Options options, LogitsProcessor processor, RandomGenerator random) {
        this.assistant = assistant;
        this.options = options;
        this.processor = processor;
        this.random = random;
        this.numTokens = options.numTokens;
    }

    @Override
    public Candidates candidates(Hypothesis sequence, int most) {
        int count = Math.min(numTokens, most);
        int[] tokens = new int[count];
        float[][] scores = new float[count][];
        int guessed = 0;
        Hypothesis longer = sequence;
        boolean more = true;
        while (more && guessed < count) {
            float[] each = follow(longer);
            processor.process(longer, each);
            int token = random == null ? GreedySearch.best(each) : Multinomial.draw(each, random);
            tokens[guessed] = token;
            scores[guessed++] = each;
            longer = longer.extend(0, token, 0, Float.NaN, null);
            double probability = Math.exp(each[token] - LogSoftmax.logSum(each, 0, each.length));
            more = probability >= options.confidenceThreshold && !options.eos.contains(token);
        }
        return new Candidates(Arrays.copyOf(tokens, guessed), random == null ? null : Arrays.copyOf(scores, guessed));
    }

    /** Brings the assistant to where the sequence is: a copy of its logits there. */
    private float[] follow(Hypothesis sequence) {
        List<Integer> tokens = Arrays.stream(sequence.tokens()).boxed().toList();
        int common = 0;
        while (common < Math.min(tokens.size(), decoded.size())
                && tokens.get(common).equals(decoded.get(common))) {
            common++;
        }
        if (common < decoded.size()) {
            common = Math.min(
                    common, tokens.size() - 1); // logits are gone with what is dropped: the last token gives new ones
            assistant.drop(decoded.size() - common);
        }
        List<Integer> missing = tokens.subList(common, tokens.size());
        if (!missing.isEmpty()) {
            assistant.advance(
                    new int[][] {missing.stream().mapToInt(Integer::intValue).toArray()});
        }
        decoded = new ArrayList<>(tokens);
        return assistant.logits().data().clone();
    }

    @Override
    public void update(int candidates, int matches) {
        if (options.heuristic) {
            numTokens = matches == candidates ? numTokens + 2 : Math.max(1, numTokens - 1);
        }
    }
}
