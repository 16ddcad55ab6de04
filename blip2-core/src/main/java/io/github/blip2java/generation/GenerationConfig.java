/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.blip2java.checkpoint.NearestNames;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * How to generate: values for any of the options of {@link GenerationOption}. Names and meanings are those of {@code transformers}.
 *
 * <p>Lengths: {@code maxNewTokens} and {@code minNewTokens} count new tokens. {@code maxLength} and {@code minLength} count
 * everything: for a decoder-only model the image tokens, the prompt and its padding too, for an encoder–decoder model the
 * start token. The former win where both are set. With none set, 20 new tokens are the limit. Memory is taken as tokens
 * come, so a high limit costs nothing by itself; what exceeds the model's positions ends there.
 *
 * <p>Immutable. Reference: {@code GenerationConfig}.
 */
public final class GenerationConfig {
    /** As {@code maxNewTokens} or {@code maxLength}: as many tokens as the model has positions for. */
    public static final int NO_LIMIT = Integer.MAX_VALUE;

    private static final int DEFAULT_NEW_TOKENS = 20;

    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** Options of the reference that never change what is written here: kept, so that they are written again. */
    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "use_cache",
            "cache_implementation",
            "cache_config",
            "max_cache_len",
            "low_memory",
            "return_dict_in_generate",
            "compile_config",
            "disable_compile",
            "prefill_chunk_size",
            "is_assistant",
            "bos_token_id",
            "transformers_version",
            "_from_model_config",
            "_commit_hash",
            "assistant_lookbehind",
            "target_lookbehind");

    /** Options of the reference that would change something and are not here: accepted where they are off. */
    private static final Map<String, String> UNSUPPORTED = Map.of(
            "decoder_start_token_id", "the model's own start token counts",
            "token_healing", "write the prompt so that it ends with a whole word",
            "use_mtp", "BLIP-2's language models have no layers for it",
            "dola_layers", "it contrasts layers, which no checkpoint of BLIP-2 was made for",
            "assistant_early_exit", "pass an assistant model, or set prompt_lookup_num_tokens",
            "assistant_ensemble_weight", "the assistant model only proposes",
            "speculation_type", "pass an assistant model, or set prompt_lookup_num_tokens",
            "constraints", "set force_words_ids",
            "continuous_batching_config", "callers of several threads share a model as they are");

    private final Map<GenerationOption<?>, Object> values;
    private final Map<String, JsonNode> withoutEffect;
    /** Options as a file had them, such as one end token without brackets, so that they are written so again. */
    private final Map<GenerationOption<?>, JsonNode> asRead;

    private GenerationConfig(Builder builder) {
        this.values = Collections.unmodifiableMap(new LinkedHashMap<>(builder.values));
        this.withoutEffect = Map.copyOf(builder.withoutEffect);
        this.asRead = Map.copyOf(builder.asRead);
    }

    /**
     * Starts a configuration with nothing set.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@return a configuration with nothing set: greedy search, at most 20 new tokens} */
    public static GenerationConfig defaults() {
        return builder().build();
    }

    /**
     * Starts a configuration with this one's options set.
     *
     * @return a builder
     */
    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.putAll(this);
        return builder;
    }

    /**
     * The value of an option.
     *
     * @param option which
     * @param <T>    its values
     * @return what was set, else what changes nothing; null where both are nothing
     */
    public <T> T get(GenerationOption<T> option) {
        T value = getIfSet(option);
        return value == null ? option.neutral() : value;
    }

    /**
     * The value of an option that was set.
     *
     * @param option which
     * @param <T>    its values
     * @return the value, or null when unset
     */
    @SuppressWarnings("unchecked") // only values of the option's type are put in
    public <T> T getIfSet(GenerationOption<T> option) {
        return (T) values.get(option);
    }

    /**
     * Fills in what is unset. Limits go together: where one of the two that count new tokens or all tokens is set, the
     * other is not taken from elsewhere.
     *
     * @param defaults what counts where this configuration leaves something unset
     * @return the options of both
     * @throws IllegalArgumentException if they contradict each other
     */
    public GenerationConfig orElse(GenerationConfig defaults) {
        Builder builder = defaults.toBuilder();
        for (List<GenerationOption<Integer>> pair : List.of(
                List.of(GenerationOption.MAX_NEW_TOKENS, GenerationOption.MAX_LENGTH),
                List.of(GenerationOption.MIN_NEW_TOKENS, GenerationOption.MIN_LENGTH))) {
            if (pair.stream().anyMatch(values::containsKey)) {
                pair.forEach(builder.values::remove);
            }
        }
        builder.putAll(this);
        return builder.build();
    }

    /**
     * Reads options by their Hugging Face names, as in {@code generation_config.json}. Null leaves an option unset. Options of
     * {@code transformers} that change nothing of the text are kept and written again; those that would, and are not supported, are
     * refused unless they are off.
     *
     * @param json a JSON object such as {@code {"num_beams": 5, "max_new_tokens": 30, "eos_token_id": [2, 50118]}}
     * @return the configuration
     * @throws IllegalArgumentException if it is no object, a value has the wrong type or range, or an option is unknown or not
     *     supported here
     */
    public static GenerationConfig fromJson(String json) {
        String problem;
        try {
            JsonNode node = json == null ? null : JSON.readTree(json);
            if (node != null && node.isObject()) {
                Builder builder = builder();
                node.properties().forEach(field -> builder.read(field.getKey(), field.getValue()));
                return builder.build();
            }
            problem = "";
        } catch (JsonProcessingException e) {
            problem = " (" + e.getOriginalMessage() + ")";
        }
        throw new IllegalArgumentException("generation options: expected a JSON object, got "
                + (json == null || json.isBlank() ? "nothing" : json) + problem
                + "; write {} for the defaults, or for example {\"max_new_tokens\": 30}");
    }

    /** {@return what is set, as {@code generation_config.json} has it} */
    public String toJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        for (GenerationOption<?> option : GenerationOption.values()) {
            if (values.containsKey(option)) {
                json.put(option.jsonName(), asRead.containsKey(option) ? asRead.get(option) : written(option));
            }
        }
        json.putAll(withoutEffect);
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // numbers, texts and lists of them always go
        }
    }

    private <T> Object written(GenerationOption<T> option) {
        return option.type().write(getIfSet(option));
    }

    /** {@return 1 or more, or null when unset} */
    public Integer maxNewTokens() {
        return getIfSet(GenerationOption.MAX_NEW_TOKENS);
    }

    /** {@return 0 or more, or null when unset} */
    public Integer minNewTokens() {
        return getIfSet(GenerationOption.MIN_NEW_TOKENS);
    }

    /** {@return 1 or more, or null when unset} */
    public Integer maxLength() {
        return getIfSet(GenerationOption.MAX_LENGTH);
    }

    /** {@return 0 or more, or null when unset} */
    public Integer minLength() {
        return getIfSet(GenerationOption.MIN_LENGTH);
    }

    /** {@return the end tokens, or null when unset: those of the checkpoint then count} */
    public int[] eosTokenIds() {
        List<Integer> ids = getIfSet(GenerationOption.EOS_TOKEN_ID);
        return ids == null ? null : ids.stream().mapToInt(Integer::intValue).toArray();
    }

    /** {@return an id, or null when unset: that of the checkpoint then counts} */
    public Integer padTokenId() {
        return getIfSet(GenerationOption.PAD_TOKEN_ID);
    }

    /** {@return how tokens are chosen, by the options that are set} */
    public GenerationMode mode() {
        int beams = get(GenerationOption.NUM_BEAMS);
        boolean sample = get(GenerationOption.DO_SAMPLE);
        if (getIfSet(GenerationOption.FORCE_WORDS_IDS) != null) {
            return GenerationMode.CONSTRAINED_BEAM_SEARCH;
        }
        if (beams > 1) {
            return get(GenerationOption.NUM_BEAM_GROUPS) > 1
                    ? GenerationMode.GROUP_BEAM_SEARCH
                    : sample ? GenerationMode.BEAM_SAMPLE : GenerationMode.BEAM_SEARCH;
        }
        if (sample) {
            return GenerationMode.SAMPLE;
        }
        return get(GenerationOption.PENALTY_ALPHA) > 0 && get(GenerationOption.TOP_K) > 1
                ? GenerationMode.CONTRASTIVE_SEARCH
                : GenerationMode.GREEDY_SEARCH;
    }

    /** {@return the sequences that each prompt is continued by at a time, each with keys and values of its own} */
    public int sequencesAtATime() {
        int most = Math.max(get(GenerationOption.NUM_BEAMS), get(GenerationOption.NUM_RETURN_SEQUENCES));
        return mode() == GenerationMode.CONTRASTIVE_SEARCH ? Math.max(most, get(GenerationOption.TOP_K)) : most;
    }

    /**
     * New tokens allowed after {@code promptLength} counted positions, with {@code room} positions left in the model,
     * which may be 0 or less. Never below 1, so that what does not fit is seen by who knows the model's limit.
     */
    int maxNewTokensAfter(int promptLength, int room) {
        int most = Math.max(1, room);
        if (maxNewTokens() != null) {
            return maxNewTokens() == NO_LIMIT ? most : maxNewTokens();
        }
        if (maxLength() == null) {
            return Math.min(DEFAULT_NEW_TOKENS, most);
        }
        if (maxLength() <= promptLength) {
            throw new IllegalArgumentException("maxLength: expected more than the " + promptLength
                    + " positions of the prompt (image tokens included), got " + maxLength()
                    + "; set maxNewTokens, which counts new tokens only");
        }
        return maxLength() == NO_LIMIT ? most : maxLength() - promptLength;
    }

    /** New tokens required after {@code promptLength} counted positions. */
    int minNewTokensAfter(int promptLength) {
        return minNewTokens() != null ? minNewTokens() : Math.max(0, get(GenerationOption.MIN_LENGTH) - promptLength);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof GenerationConfig config
                && values.equals(config.values)
                && withoutEffect.equals(config.withoutEffect);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return toJson();
    }

    /** Collects options. What each means and takes is said at the constant of {@link GenerationOption} of the same name. */
    public static final class Builder {
        private final Map<GenerationOption<?>, Object> values = new LinkedHashMap<>();
        private final Map<String, JsonNode> withoutEffect = new LinkedHashMap<>();
        private final Map<GenerationOption<?>, JsonNode> asRead = new LinkedHashMap<>();

        private Builder() {}

        private void putAll(GenerationConfig config) {
            asRead.keySet().removeAll(config.values.keySet());
            values.putAll(config.values);
            withoutEffect.putAll(config.withoutEffect);
            asRead.putAll(config.asRead);
        }

        /**
         * Sets an option.
         *
         * @param option which
         * @param value  its value; null leaves it unset
         * @param <T>    its values
         * @return this
         * @throws IllegalArgumentException if the option does not take the value
         */
        public <T> Builder set(GenerationOption<T> option, T value) {
            asRead.remove(option);
            if (value == null) {
                values.remove(option);
            } else {
                values.put(option, option.check(value));
            }
            return this;
        }

        private void read(String name, JsonNode value) {
            GenerationOption<?> option = GenerationOption.named(name);
            if (option != null) {
                if (!value.isNull()) {
                    read(option, value);
                }
            } else if (WITHOUT_EFFECT.contains(name)) {
                withoutEffect.put(name, value);
            } else if (!UNSUPPORTED.containsKey(name)) {
                throw new IllegalArgumentException("generation option " + name + ": expected an option of transformers"
                        + meant(name) + "; the options are constants of GenerationOption");
            } else if (!isOff(value)) {
                throw new IllegalArgumentException("generation option " + name + ": expected none, got " + value
                        + ", which is not supported here; " + UNSUPPORTED.get(name));
            }
        }

        private static boolean isOff(JsonNode value) {
            return value.isNull() || value.isBoolean() && !value.booleanValue();
        }

        private static String meant(String name) {
            List<String> names = Stream.of(
                            GenerationOption.values().stream().map(GenerationOption::jsonName),
                            WITHOUT_EFFECT.stream(),
                            UNSUPPORTED.keySet().stream())
                    .flatMap(each -> each)
                    .toList();
            return NearestNames.meant(name, names)
                    .map(nearest -> "; did you mean " + nearest + "?")
                    .orElse("");
        }

        private <T> void read(GenerationOption<T> option, JsonNode json) {
            T value = option.type().read(json);
            if (value == null || !option.type().accepts(value)) {
                throw option.wrong(json);
            }
            values.put(option, value);
            asRead.put(option, json);
        }

        /**
         * The most new tokens.
         *
         * @param value 1 or more, or {@link #NO_LIMIT}
         * @return this
         */
        public Builder maxNewTokens(int value) {
            return set(GenerationOption.MAX_NEW_TOKENS, value);
        }

        /**
         * The fewest new tokens.
         *
         * @param value 0 or more
         * @return this
         */
        public Builder minNewTokens(int value) {
            return set(GenerationOption.MIN_NEW_TOKENS, value);
        }

        /**
         * The longest sequence.
         *
         * @param value 1 or more, image tokens and prompt included, or {@link #NO_LIMIT}
         * @return this
         */
        public Builder maxLength(int value) {
            return set(GenerationOption.MAX_LENGTH, value);
        }

        /**
         * The shortest sequence.
         *
         * @param value 0 or more, image tokens and prompt included
         * @return this
         */
        public Builder minLength(int value) {
            return set(GenerationOption.MIN_LENGTH, value);
        }

        /**
         * The end tokens, instead of the checkpoint's.
         *
         * @param values token ids of 0 or more; none means that only the length ends a sequence
         * @return this
         */
        public Builder eosTokenIds(int... values) {
            return set(
                    GenerationOption.EOS_TOKEN_ID, Arrays.stream(values).boxed().toList());
        }

        /**
         * The token that fills finished rows.
         *
         * @param value a token id of 0 or more
         * @return this
         */
        public Builder padTokenId(int value) {
            return set(GenerationOption.PAD_TOKEN_ID, value);
        }

        /**
         * Beams of a beam search.
         *
         * @param value 1, for none, or more
         * @return this
         */
        public Builder numBeams(int value) {
            return set(GenerationOption.NUM_BEAMS, value);
        }

        /**
         * Texts for each prompt.
         *
         * @param value 1 or more; at most the beams, unless tokens are drawn
         * @return this
         */
        public Builder numReturnSequences(int value) {
            return set(GenerationOption.NUM_RETURN_SEQUENCES, value);
        }

        /**
         * Whether to draw tokens.
         *
         * @param value false for the most probable ones
         * @return this
         */
        public Builder doSample(boolean value) {
            return set(GenerationOption.DO_SAMPLE, value);
        }

        /**
         * What logits are divided by before a token is drawn.
         *
         * @param value above 0
         * @return this
         */
        public Builder temperature(double value) {
            return set(GenerationOption.TEMPERATURE, value);
        }

        /**
         * How many tokens may be drawn.
         *
         * @param value 0 for all
         * @return this
         */
        public Builder topK(int value) {
            return set(GenerationOption.TOP_K, value);
        }

        /**
         * The probability that the tokens that may be drawn have together.
         *
         * @param value 0 to 1
         * @return this
         */
        public Builder topP(double value) {
            return set(GenerationOption.TOP_P, value);
        }

        /**
         * Where drawing begins: the same seed, the same text.
         *
         * @param value any number
         * @return this
         */
        public Builder seed(long value) {
            return set(GenerationOption.SEED, value);
        }

        /**
         * What the logits of tokens that are there already are divided by.
         *
         * @param value above 0; above 1 to avoid repetitions
         * @return this
         */
        public Builder repetitionPenalty(double value) {
            return set(GenerationOption.REPETITION_PENALTY, value);
        }

        /**
         * The length of runs of tokens that may occur only once.
         *
         * @param value 0 for none
         * @return this
         */
        public Builder noRepeatNgramSize(int value) {
            return set(GenerationOption.NO_REPEAT_NGRAM_SIZE, value);
        }

        /**
         * The power of the length by which a beam's score is divided.
         *
         * @param value above 0 for longer texts, below for shorter ones
         * @return this
         */
        public Builder lengthPenalty(double value) {
            return set(GenerationOption.LENGTH_PENALTY, value);
        }

        /**
         * Texts that end a text.
         *
         * @param values none of them empty
         * @return this
         */
        public Builder stopStrings(String... values) {
            return set(GenerationOption.STOP_STRINGS, List.of(values));
        }

        /**
         * Makes the configuration.
         *
         * @return the options
         * @throws IllegalArgumentException if options contradict each other
         */
        public GenerationConfig build() {
            GenerationConfig config = new GenerationConfig(this);
            OptionChecks.check(config);
            return config;
        }
    }
}
