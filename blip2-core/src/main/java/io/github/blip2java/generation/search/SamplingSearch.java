/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import io.github.blip2java.generation.StoppingCriteria;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Draws each token by its probability. Reference: {@code _sample} with {@code do_sample}. */
public final class SamplingSearch extends RowSearch {
    private final RandomGenerator[] random;

    /**
     * Starts a search.
     *
     * @param prompts  how many
     * @param each     sequences a prompt
     * @param stopping says when a sequence is finished
     * @param seed     decides all draws
     */
    public SamplingSearch(int prompts, int each, StoppingCriteria stopping, long seed) {
        super(prompts, each, stopping);
        this.random = generators(seed, prompts * each);
    }

    /**
     * Sources of random numbers that are independent of each other, so that a sequence's draws depend on no other sequence.
     *
     * @param seed  decides all of them
     * @param count how many; more change none of the first
     * @return the sources
     */
    public static RandomGenerator[] generators(long seed, int count) {
        SplittableRandom root = new SplittableRandom(seed);
        RandomGenerator[] generators = new RandomGenerator[count];
        for (int i = 0; i < count; i++) {
            generators[i] = root.split();
        }
        return generators;
    }

    @Override
    protected int choose(int sequence, float[] scores) {
        return Multinomial.draw(scores, random[sequence]);
    }
}
