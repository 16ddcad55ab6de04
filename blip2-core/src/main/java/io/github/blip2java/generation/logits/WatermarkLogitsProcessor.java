/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.logits;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.LogitsProcessor;
import io.github.blip2java.generation.WatermarkingConfig;
import java.math.BigInteger;

/**
 * Favours a part of the vocabulary that depends on the tokens before and a key, so that texts can be told from others (Kirchenbauer et
 * al. 2023, arXiv 2301.10226 and 2306.04634). Whoever knows the key finds the mark with the reference's {@code WatermarkDetector}.
 * Reference: {@code WatermarkLogitsProcessor}.
 */
public final class WatermarkLogitsProcessor implements LogitsProcessor {
    /** Tokens that {@code selfhash} tries, the most probable ones. */
    private static final int TRIED = 40;

    private static final int TABLE_SIZE = 1_000_003;
    private static final BigInteger SEEDS = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

    private final WatermarkingConfig config;
    private final boolean selfhash;
    /** A random order by the key; null for {@code lefthash}. */
    private final int[] table;

    /**
     * Sets how to mark.
     *
     * @param config ratio between 0 and 1, bias, key, scheme and width
     * @throws IllegalArgumentException if the ratio, the scheme or the width is outside its range
     */
    public WatermarkLogitsProcessor(WatermarkingConfig config) {
        Requirement.that(
                config.greenlistRatio() > 0 && config.greenlistRatio() < 1,
                "greenlistRatio",
                "a number between 0 and 1",
                config.greenlistRatio(),
                "0.25 is usual");
        Requirement.atLeast(1, "contextWidth", config.contextWidth());
        this.selfhash = config.seedingScheme().equals("selfhash");
        if (!selfhash && !config.seedingScheme().equals("lefthash")) {
            throw new IllegalArgumentException(
                    "seedingScheme: expected lefthash or selfhash, got " + config.seedingScheme());
        }
        this.config = config;
        this.table =
                selfhash ? new MersenneTwister((int) config.hashingKey()).permutation(TABLE_SIZE, TABLE_SIZE) : null;
    }

    /** Shorter sequences than the width are not marked, as in the reference. */
    @Override
    public void process(Hypothesis hypothesis, float[] scores) {
        if (hypothesis.length() < config.contextWidth()) {
            return;
        }
        int favoured = (int) (scores.length * config.greenlistRatio());
        float bias = (float) config.bias();
        if (selfhash) {
            for (int id : Ranking.highestIds(scores, TRIED)) {
                if (new MersenneTwister(seed(hypothesis, id)).isAmong(id, scores.length, favoured)) {
                    scores[id] += bias;
                }
            }
        } else {
            BigInteger seed =
                    BigInteger.valueOf(config.hashingKey()).multiply(BigInteger.valueOf(hypothesis.lastToken()));
            for (int id : new MersenneTwister(seed(seed)).permutation(scores.length, favoured)) {
                scores[id] += bias;
            }
        }
    }

    /** The seed if a token were next: the least of the products of key, token and each token of the context, itself included. */
    private int seed(Hypothesis hypothesis, int next) {
        long own = table[next % TABLE_SIZE] + 1L;
        long least = config.hashingKey() * own * own;
        for (int i = hypothesis.length() - (config.contextWidth() - 1); i < hypothesis.length(); i++) {
            least = Math.min(least, config.hashingKey() * (table[hypothesis.id(i) % TABLE_SIZE] + 1L) * own);
        }
        return seed(BigInteger.valueOf(least));
    }

    /** What the generator takes of a seed. */
    private static int seed(BigInteger seed) {
        return seed.mod(SEEDS).intValue();
    }
}
