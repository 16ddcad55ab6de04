/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import java.util.HashSet;
import java.util.List;

/** What options may not be together. Reference: {@code GenerationConfig.validate}. */
final class OptionChecks {
    private OptionChecks() {}

    static void check(GenerationConfig config) {
        order(config, GenerationOption.MIN_NEW_TOKENS, GenerationOption.MAX_NEW_TOKENS);
        order(config, GenerationOption.MIN_LENGTH, GenerationOption.MAX_LENGTH);
        int beams = config.get(GenerationOption.NUM_BEAMS);
        int returned = config.get(GenerationOption.NUM_RETURN_SEQUENCES);
        boolean sample = config.get(GenerationOption.DO_SAMPLE);
        GenerationMode mode = config.mode();
        if (returned > beams && !(sample && beams == 1)) {
            throw new IllegalArgumentException("num_return_sequences: expected at most num_beams, " + beams + ", got "
                    + returned + "; raise num_beams, or draw tokens with do_sample and without beams");
        }
        groups(config, beams, sample, mode);
        if (mode == GenerationMode.CONSTRAINED_BEAM_SEARCH && (beams == 1 || sample)) {
            throw new IllegalArgumentException("force_words_ids: expected num_beams of 2 or more and no do_sample, got "
                    + beams + " beams" + (sample ? " and do_sample" : "") + "; constraints need a beam search");
        }
        if (config.getIfSet(GenerationOption.PROMPT_LOOKUP_NUM_TOKENS) != null
                && mode != GenerationMode.GREEDY_SEARCH
                && mode != GenerationMode.SAMPLE) {
            throw new IllegalArgumentException("prompt_lookup_num_tokens: expected greedy search or sampling, got "
                    + mode + "; leave it out, it only saves time");
        }
        List<Integer> suppressed = config.getIfSet(GenerationOption.SUPPRESS_TOKENS);
        List<Integer> forced = config.getIfSet(GenerationOption.FORCED_EOS_TOKEN_ID);
        if (suppressed != null && forced != null && new HashSet<>(suppressed).containsAll(forced)) {
            throw new IllegalArgumentException(
                    "forced_eos_token_id: expected a token that suppress_tokens does not hold, got " + forced
                            + "; take it out of one of the two");
        }
        Integer first = config.getIfSet(GenerationOption.FORCED_BOS_TOKEN_ID);
        if (suppressed != null && first != null && suppressed.contains(first)) {
            throw new IllegalArgumentException(
                    "forced_bos_token_id: expected a token that suppress_tokens does not hold, got " + first
                            + "; take it out of one of the two");
        }
    }

    private static void groups(GenerationConfig config, int beams, boolean sample, GenerationMode mode) {
        int groups = config.get(GenerationOption.NUM_BEAM_GROUPS);
        if (groups > 1 && (beams % groups != 0 || sample || mode == GenerationMode.CONSTRAINED_BEAM_SEARCH)) {
            throw new IllegalArgumentException(
                    "num_beam_groups: expected a divisor of num_beams, " + beams + ", no do_sample and no"
                            + " force_words_ids, got " + groups + "; choose for example 2 groups of 4 beams");
        }
        if (config.get(GenerationOption.DIVERSITY_PENALTY) > 0 && groups == 1) {
            throw new IllegalArgumentException(
                    "diversity_penalty: expected num_beam_groups of 2 or more, got 1; it makes"
                            + " groups of beams differ");
        }
    }

    private static void order(
            GenerationConfig config, GenerationOption<Integer> leastOption, GenerationOption<Integer> mostOption) {
        Integer least = config.getIfSet(leastOption);
        Integer most = config.getIfSet(mostOption);
        if (least != null && most != null && least > most) {
            throw new IllegalArgumentException("generation option " + leastOption + ": expected at most " + mostOption
                    + ", " + most + ", got " + least);
        }
    }
}
