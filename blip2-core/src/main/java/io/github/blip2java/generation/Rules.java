/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.language.LanguageModelConfig;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The options of one call with those of the checkpoint, and the lengths and special tokens that follow from them for one model and
 * prompt.
 */
record Rules(GenerationConfig options, int maxNewTokens, int minNewTokens, int[] eos, int pad) {
    /** More than any text has, and few enough that counting them overflows nowhere. */
    private static final int MOST_POSITIONS = 1 << 30;

    private static final Logger LOG = LoggerFactory.getLogger(Rules.class);

    /**
     * Works the rules out.
     *
     * @param all          the options of the call, with defaults
     * @param config       the model's limits
     * @param longest      positions of the longest prompt, without padding
     * @param promptLength positions that maximal and minimal lengths count before the new tokens
     * @param rows         sequences that are written at a time
     * @throws IllegalArgumentException if the options contradict each other or the model's limits
     */
    static Rules of(GenerationConfig all, LanguageModelConfig config, int longest, int promptLength, long rows) {
        int[] eos = all.eosTokenIds() == null ? new int[0] : all.eosTokenIds();
        Arrays.stream(eos).forEach(id -> checkId("eosTokenIds", id, config));
        if (all.padTokenId() != null) {
            checkId("padTokenId", all.padTokenId(), config);
        }
        // Reference: without a padding token the first end token serves; plain beams take id 0, that of T5, for none.
        boolean plainBeams = all.mode() == GenerationMode.BEAM_SEARCH || all.mode() == GenerationMode.BEAM_SAMPLE;
        boolean none = all.padTokenId() == null || all.padTokenId() == 0 && plainBeams;
        int pad = none ? eos.length > 0 ? eos[0] : 0 : all.padTokenId();
        boolean limited = config.maxPositions().isPresent();
        int room = limited ? config.maxPositions().getAsInt() - longest : positionsInHeap(config, rows);
        int maxNewTokens = all.maxNewTokensAfter(promptLength, room);
        int minNewTokens = all.minNewTokensAfter(promptLength);
        config.checkLength(longest, 1);
        if (limited) {
            maxNewTokens = Math.min(maxNewTokens, room);
        } else if (maxNewTokens >= room) {
            LOG.warn(
                    "this heap has room for texts of {} tokens, where one that does not end before will be cut off; start Java with"
                            + " a larger heap (-Xmx) for longer ones",
                    room);
            maxNewTokens = Math.max(room, minNewTokens);
        }
        if (minNewTokens > maxNewTokens) {
            throw new IllegalArgumentException((all.minNewTokens() != null ? "minNewTokens" : "minLength")
                    + ": expected at most the " + maxNewTokens + " new tokens that are allowed, got " + minNewTokens
                    + (all.minNewTokens() != null ? "" : " after a prompt of " + promptLength)
                    + "; raise maxNewTokens or lower it");
        }
        return new Rules(all, maxNewTokens, minNewTokens, eos, pad);
    }

    /** Where the model sets no limit, keys and values must fit into half of Java's heap; the other half is for making room. */
    private static int positionsInHeap(LanguageModelConfig config, long rows) {
        long each = Math.max(1, rows * config.cacheBytesPerPosition());
        return (int) Math.max(1, Math.min(MOST_POSITIONS, Runtime.getRuntime().maxMemory() / 2 / each));
    }

    private static void checkId(String name, int id, LanguageModelConfig config) {
        int vocab = config.vocabSize();
        if (id < 0 || id >= vocab) {
            throw new IllegalArgumentException(name + ": expected ids from 0 to " + (vocab - 1) + ", got " + id
                    + "; use ids of this model's tokenizer");
        }
    }
}
