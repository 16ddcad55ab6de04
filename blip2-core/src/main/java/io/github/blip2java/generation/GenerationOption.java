/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.generation.OptionType.Biases;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An option of {@code generate}: its name in {@code generation_config.json}, what values it takes, and the one that changes nothing.
 *
 * <p>The constants are in the order of the reference, {@code transformers.GenerationConfig}, where each is described at length.
 *
 * @param <T> its values
 */
public final class GenerationOption<T> {
    private static final Map<String, GenerationOption<?>> ALL = new LinkedHashMap<>();

    /** The longest sequence, all that stands before the new tokens included. */
    public static final GenerationOption<Integer> MAX_LENGTH = of("max_length", OptionType.integer(1), null);

    /** The most new tokens. */
    public static final GenerationOption<Integer> MAX_NEW_TOKENS = of("max_new_tokens", OptionType.integer(1), null);

    /** The shortest sequence, all that stands before the new tokens included. */
    public static final GenerationOption<Integer> MIN_LENGTH = of("min_length", OptionType.integer(0), 0);

    /** The fewest new tokens. */
    public static final GenerationOption<Integer> MIN_NEW_TOKENS = of("min_new_tokens", OptionType.integer(0), 0);

    /** When a beam search ends. */
    public static final GenerationOption<EarlyStopping> EARLY_STOPPING =
            of("early_stopping", OptionType.EARLY_STOPPING, EarlyStopping.FALSE);

    /** Seconds after which texts end. */
    public static final GenerationOption<Double> MAX_TIME = of("max_time", OptionType.positive(), null);

    /** Texts that end a text. */
    public static final GenerationOption<List<String>> STOP_STRINGS = of("stop_strings", OptionType.TEXTS, null);

    /** Whether to draw tokens by their probabilities. */
    public static final GenerationOption<Boolean> DO_SAMPLE = of("do_sample", OptionType.BOOLEAN, false);

    /** Sequences that a beam search pursues for each prompt. */
    public static final GenerationOption<Integer> NUM_BEAMS = of("num_beams", OptionType.integer(1), 1);

    /** Divides logits before a token is drawn. */
    public static final GenerationOption<Double> TEMPERATURE = of("temperature", OptionType.positive(), 1.0);

    /** How many of the most probable tokens may be drawn, and how many contrastive search looks at; 0 for all. */
    public static final GenerationOption<Integer> TOP_K = of("top_k", OptionType.integer(0), 50);

    /** The probability that the tokens that may be drawn have together. */
    public static final GenerationOption<Double> TOP_P = of("top_p", OptionType.number(0, 1), 1.0);

    /** The probability that a token must have, as a part of the most probable one's. */
    public static final GenerationOption<Double> MIN_P = of("min_p", OptionType.number(0, 1), null);

    /** The part of the distribution's entropy that the tokens that may be drawn keep. */
    public static final GenerationOption<Double> TOP_H = of("top_h", OptionType.part(), null);

    /** The probability that the most typical tokens have together. */
    public static final GenerationOption<Double> TYPICAL_P = of("typical_p", OptionType.part(), 1.0);

    /** The probability that a token must have to be drawn. */
    public static final GenerationOption<Double> EPSILON_CUTOFF = of("epsilon_cutoff", OptionType.number(0, 1), 0.0);

    /** As {@link #EPSILON_CUTOFF}, lowered where the distribution is flat. */
    public static final GenerationOption<Double> ETA_CUTOFF = of("eta_cutoff", OptionType.number(0, 1), 0.0);

    /** Divides the logits of tokens that are there already. */
    public static final GenerationOption<Double> REPETITION_PENALTY =
            of("repetition_penalty", OptionType.positive(), 1.0);

    /** Favours the tokens of the prompt above 1, and avoids them below. */
    public static final GenerationOption<Double> ENCODER_REPETITION_PENALTY =
            of("encoder_repetition_penalty", OptionType.positive(), 1.0);

    /** The power of the length by which a beam's score is divided. */
    public static final GenerationOption<Double> LENGTH_PENALTY = of("length_penalty", OptionType.number(), 1.0);

    /** The length of runs of tokens that may occur only once. */
    public static final GenerationOption<Integer> NO_REPEAT_NGRAM_SIZE =
            of("no_repeat_ngram_size", OptionType.integer(0), 0);

    /** Runs of tokens that may not occur. */
    public static final GenerationOption<List<List<Integer>>> BAD_WORDS_IDS =
            of("bad_words_ids", OptionType.WORDS, null);

    /** Whether scores are normalised after all processors. */
    public static final GenerationOption<Boolean> RENORMALIZE_LOGITS =
            of("renormalize_logits", OptionType.BOOLEAN, false);

    /** The first new token. */
    public static final GenerationOption<Integer> FORCED_BOS_TOKEN_ID =
            of("forced_bos_token_id", OptionType.integer(0), null);

    /** The tokens of which one ends a text that reaches its greatest length. */
    public static final GenerationOption<List<Integer>> FORCED_EOS_TOKEN_ID =
            of("forced_eos_token_id", OptionType.IDS, null);

    /** Whether scores that are no finite numbers are replaced in place of ending the generation. */
    public static final GenerationOption<Boolean> REMOVE_INVALID_VALUES =
            of("remove_invalid_values", OptionType.BOOLEAN, false);

    /** From how many new tokens on, and by what factor a token, the end becomes more probable: two numbers. */
    public static final GenerationOption<List<Double>> EXPONENTIAL_DECAY_LENGTH_PENALTY =
            of("exponential_decay_length_penalty", OptionType.TWO_NUMBERS, null);

    /** Tokens that may not occur. */
    public static final GenerationOption<List<Integer>> SUPPRESS_TOKENS =
            of("suppress_tokens", OptionType.ID_LIST, null);

    /** Tokens that may not be the first. */
    public static final GenerationOption<List<Integer>> BEGIN_SUPPRESS_TOKENS =
            of("begin_suppress_tokens", OptionType.ID_LIST, null);

    /** What is added to the scores of tokens that would complete runs of tokens. */
    public static final GenerationOption<Map<List<Integer>, Double>> SEQUENCE_BIAS =
            of("sequence_bias", new Biases(), null);

    /** How far scores are moved away from those without a picture. */
    public static final GenerationOption<Double> GUIDANCE_SCALE = of("guidance_scale", OptionType.number(), 1.0);

    /** Marks texts so that their origin can be shown. */
    public static final GenerationOption<WatermarkingConfig> WATERMARKING_CONFIG =
            of("watermarking_config", WatermarkingConfig.TYPE, null);

    /** Texts for each prompt. */
    public static final GenerationOption<Integer> NUM_RETURN_SEQUENCES =
            of("num_return_sequences", OptionType.integer(1), 1);

    /** Whether the result has the attention probabilities. */
    public static final GenerationOption<Boolean> OUTPUT_ATTENTIONS =
            of("output_attentions", OptionType.BOOLEAN, false);

    /** Whether the result has the hidden states. */
    public static final GenerationOption<Boolean> OUTPUT_HIDDEN_STATES =
            of("output_hidden_states", OptionType.BOOLEAN, false);

    /** Whether the result has the processed scores of every step. */
    public static final GenerationOption<Boolean> OUTPUT_SCORES = of("output_scores", OptionType.BOOLEAN, false);

    /** Whether the result has the logits of every step. */
    public static final GenerationOption<Boolean> OUTPUT_LOGITS = of("output_logits", OptionType.BOOLEAN, false);

    /** The token that fills finished rows. */
    public static final GenerationOption<Integer> PAD_TOKEN_ID = of("pad_token_id", OptionType.integer(0), null);

    /** The tokens that end a text. */
    public static final GenerationOption<List<Integer>> EOS_TOKEN_ID = of("eos_token_id", OptionType.IDS, null);

    /** The length of runs of tokens of the prompt that may not occur. */
    public static final GenerationOption<Integer> ENCODER_NO_REPEAT_NGRAM_SIZE =
            of("encoder_no_repeat_ngram_size", OptionType.integer(0), 0);

    /** Tokens that an assistant model proposes at a time. */
    public static final GenerationOption<Integer> NUM_ASSISTANT_TOKENS =
            of("num_assistant_tokens", OptionType.integer(1), 20);

    /** How that number changes. */
    public static final GenerationOption<String> NUM_ASSISTANT_TOKENS_SCHEDULE = of(
            "num_assistant_tokens_schedule",
            OptionType.oneOf("constant", "heuristic", "heuristic_transient"),
            "constant");

    /** The probability below which an assistant model proposes no further. */
    public static final GenerationOption<Double> ASSISTANT_CONFIDENCE_THRESHOLD =
            of("assistant_confidence_threshold", OptionType.number(0, 1), 0.4);

    /** Tokens that are proposed at a time because they followed the same words before. */
    public static final GenerationOption<Integer> PROMPT_LOOKUP_NUM_TOKENS =
            of("prompt_lookup_num_tokens", OptionType.integer(1), null);

    /** How many words are compared for it at most. */
    public static final GenerationOption<Integer> MAX_MATCHING_NGRAM_SIZE =
            of("max_matching_ngram_size", OptionType.integer(1), 2);

    /** How much contrastive search avoids what looks like what is there. */
    public static final GenerationOption<Double> PENALTY_ALPHA = of("penalty_alpha", OptionType.number(0, 1), 0.0);

    /** How much a group of beams avoids the tokens of the groups before it. */
    public static final GenerationOption<Double> DIVERSITY_PENALTY =
            of("diversity_penalty", OptionType.number(0, Double.MAX_VALUE), 0.0);

    /** Groups of beams that differ from each other. */
    public static final GenerationOption<Integer> NUM_BEAM_GROUPS = of("num_beam_groups", OptionType.integer(1), 1);

    /** What must occur: for each constraint the runs of tokens of which one must. */
    public static final GenerationOption<List<List<List<Integer>>>> FORCE_WORDS_IDS =
            of("force_words_ids", OptionType.CONSTRAINTS, null);

    /** Where drawing tokens begins; not an option of the reference, which has one seed for a process. */
    public static final GenerationOption<Long> SEED = of("seed", OptionType.SEED, null);

    private final String name;
    private final OptionType<T> type;
    private final T neutral;

    private GenerationOption(String name, OptionType<T> type, T neutral) {
        this.name = name;
        this.type = type;
        this.neutral = neutral;
    }

    private static <T> GenerationOption<T> of(String name, OptionType<T> type, T neutral) {
        GenerationOption<T> option = new GenerationOption<>(name, type, neutral);
        ALL.put(name, option);
        return option;
    }

    /** {@return all options, in the order of the reference; unmodifiable} */
    public static List<GenerationOption<?>> values() {
        return Collections.unmodifiableList(new ArrayList<>(ALL.values()));
    }

    /** The option of a name, or null. */
    static GenerationOption<?> named(String name) {
        return ALL.get(name);
    }

    /** {@return its name in {@code generation_config.json}} */
    public String jsonName() {
        return name;
    }

    /** {@return the value that counts where the option is set nowhere, or null where it then does nothing} */
    public T neutral() {
        return neutral;
    }

    OptionType<T> type() {
        return type;
    }

    /** Refuses a value that it does not take. */
    T check(T value) {
        if (!type.accepts(value)) {
            throw wrong(value);
        }
        return value;
    }

    IllegalArgumentException wrong(Object value) {
        return new IllegalArgumentException(
                "generation option " + name + ": expected " + type.expected() + ", got " + value);
    }

    @Override
    public String toString() {
        return name;
    }
}
