/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.generation.search.BatchSearch;
import io.github.blip2java.generation.search.ContrastiveSearch;
import io.github.blip2java.generation.search.GreedySearch;
import io.github.blip2java.generation.search.SamplingSearch;
import io.github.blip2java.generation.search.Search;
import io.github.blip2java.generation.search.beam.BeamOptions;
import io.github.blip2java.generation.search.beam.BeamSearch;
import io.github.blip2java.generation.search.beam.ConstrainedBeamSearch;
import io.github.blip2java.generation.search.beam.CurrentTokens;
import io.github.blip2java.generation.search.beam.GroupBeamSearch;
import io.github.blip2java.generation.search.constraint.Constraint;
import io.github.blip2java.generation.search.constraint.DisjunctiveConstraint;
import io.github.blip2java.generation.search.constraint.PhrasalConstraint;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;

/** Makes the search that the options ask for. */
final class Searches {
    private Searches() {}

    /**
     * Makes a search.
     *
     * @param rules    the options
     * @param prompts  how many
     * @param tokens   what groups of beams tell the processors of each other
     * @param stopping says when a sequence is finished
     * @return a search for one call
     * @throws IllegalArgumentException if the model lacks a token that must occur
     */
    static Search of(Rules rules, int prompts, CurrentTokens tokens, StoppingCriteria stopping) {
        GenerationConfig options = rules.options();
        int returned = options.get(GenerationOption.NUM_RETURN_SEQUENCES);
        Long given = options.get(GenerationOption.SEED);
        long seed = given == null ? ThreadLocalRandom.current().nextLong() : given;
        RandomGenerator[] random = SamplingSearch.generators(seed, prompts);
        BeamOptions beams = new BeamOptions(
                options.get(GenerationOption.NUM_BEAMS),
                Math.min(returned, options.get(GenerationOption.NUM_BEAMS)),
                options.get(GenerationOption.LENGTH_PENALTY),
                options.get(GenerationOption.EARLY_STOPPING),
                rules.maxNewTokens(),
                Arrays.stream(rules.eos()).boxed().toList());
        return switch (options.mode()) {
            case GREEDY_SEARCH -> new GreedySearch(prompts, stopping);
            case SAMPLE -> new SamplingSearch(prompts, returned, stopping, seed);
            case BEAM_SEARCH -> new BatchSearch(prompts, returned, prompt -> new BeamSearch(beams, stopping));
            case BEAM_SAMPLE ->
                new BatchSearch(prompts, returned, prompt -> new BeamSearch(beams, stopping, random[prompt]));
            case GROUP_BEAM_SEARCH ->
                new BatchSearch(
                        prompts,
                        returned,
                        prompt -> new GroupBeamSearch(
                                beams, options.get(GenerationOption.NUM_BEAM_GROUPS), rules.pad(), tokens, stopping));
            case CONSTRAINED_BEAM_SEARCH ->
                new BatchSearch(
                        prompts,
                        returned,
                        prompt -> new ConstrainedBeamSearch(
                                beams, constraints(options.get(GenerationOption.FORCE_WORDS_IDS)), stopping));
            case CONTRASTIVE_SEARCH ->
                new BatchSearch(
                        prompts,
                        returned,
                        prompt -> new ContrastiveSearch(
                                options.get(GenerationOption.PENALTY_ALPHA),
                                options.get(GenerationOption.TOP_K),
                                stopping));
        };
    }

    private static List<Constraint> constraints(List<List<List<Integer>>> words) {
        return words.stream()
                .<Constraint>map(
                        runs -> runs.size() == 1 ? new PhrasalConstraint(runs.get(0)) : new DisjunctiveConstraint(runs))
                .toList();
    }
}
