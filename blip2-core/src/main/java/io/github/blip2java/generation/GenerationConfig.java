/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Iterator;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * How to generate. Every option may be left unset; names and meanings are those of {@code transformers}.
 *
 * <p>Lengths: {@code maxNewTokens} and {@code minNewTokens} count new tokens. {@code maxLength} and {@code minLength} count
 * everything: for a decoder-only model the image tokens, the prompt and its padding too, for an encoder–decoder model the
 * start token. The former win where both are set. With none set, 20 new tokens are the limit. Memory is taken as tokens
 * come, so a high limit costs nothing by itself.
 *
 * <p>Reference: {@code GenerationConfig}.
 */
public final class GenerationConfig {
    /** As {@code maxNewTokens} or {@code maxLength}: as many tokens as the model has positions for. */
    public static final int NO_LIMIT = Integer.MAX_VALUE;

    private static final int DEFAULT_NEW_TOKENS = 20;

    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** Options of the reference that change nothing at these values: truth values and numbers. */
    private static final Map<String, Object> NEUTRAL = Map.of(
            "num_beams", 1.0,
            "do_sample", false,
            "num_return_sequences", 1.0,
            "repetition_penalty", 1.0,
            "no_repeat_ngram_size", 0.0,
            "length_penalty", 1.0,
            "early_stopping", false,
            "use_cache", true);

    /** Options that only matter when sampling, which is not supported, so that they never matter; and their limits. */
    private static final Map<String, Double> SAMPLING_ONLY = Map.of(
            "temperature", Double.MAX_VALUE,
            "top_k", (double) Integer.MAX_VALUE,
            "top_p", 1.0,
            "typical_p", 1.0,
            "min_p", 1.0,
            "epsilon_cutoff", 1.0,
            "eta_cutoff", 1.0);

    private final Integer maxNewTokens;
    private final Integer minNewTokens;
    private final Integer maxLength;
    private final Integer minLength;
    private final int[] eosTokenIds;
    private final Integer padTokenId;

    private GenerationConfig(Builder builder) {
        this.maxNewTokens = builder.maxNewTokens;
        this.minNewTokens = builder.minNewTokens;
        this.maxLength = builder.maxLength;
        this.minLength = builder.minLength;
        this.eosTokenIds = builder.eosTokenIds;
        this.padTokenId = builder.padTokenId;
    }

    /**
     * Starts a configuration with nothing set.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Gives a configuration with nothing set: greedy search, at most 20 new tokens.
     *
     * @return the defaults
     */
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
        builder.maxNewTokens = maxNewTokens;
        builder.minNewTokens = minNewTokens;
        builder.maxLength = maxLength;
        builder.minLength = minLength;
        builder.eosTokenIds = eosTokenIds;
        builder.padTokenId = padTokenId;
        return builder;
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
        Builder builder = toBuilder();
        if (maxNewTokens == null && maxLength == null) {
            builder.maxNewTokens = defaults.maxNewTokens;
            builder.maxLength = defaults.maxLength;
        }
        if (minNewTokens == null && minLength == null) {
            builder.minNewTokens = defaults.minNewTokens;
            builder.minLength = defaults.minLength;
        }
        builder.eosTokenIds = eosTokenIds == null ? defaults.eosTokenIds : eosTokenIds;
        builder.padTokenId = padTokenId == null ? defaults.padTokenId : padTokenId;
        return builder.build();
    }

    /**
     * Reads options by their Hugging Face names. Null leaves an option unset. Options of {@code transformers} that are
     * not supported here are accepted at the value that changes nothing, those that only matter when sampling at any
     * value; everything else is refused by name.
     *
     * @param json a JSON object such as {@code {"max_new_tokens": 30, "eos_token_id": [2, 50118]}}
     * @return the configuration
     * @throws IllegalArgumentException if it is no object, a value has the wrong type or range, or an option is not
     *     supported here
     */
    public static GenerationConfig fromJson(String json) {
        String problem;
        try {
            JsonNode node = json == null ? null : JSON.readTree(json);
            if (node != null && node.isObject()) {
                Builder builder = builder();
                for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
                    String name = names.next();
                    set(builder, name, node.get(name));
                }
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

    private static void set(Builder builder, String name, JsonNode value) {
        if (value.isNull()) {
            return;
        }
        switch (name) {
            case "max_new_tokens" -> builder.maxNewTokens(integer(name, value));
            case "min_new_tokens" -> builder.minNewTokens(integer(name, value));
            case "max_length" -> builder.maxLength(integer(name, value));
            case "min_length" -> builder.minLength(integer(name, value));
            case "pad_token_id" -> builder.padTokenId(integer(name, value));
            case "eos_token_id" ->
                builder.eosTokenIds(
                        value.isArray()
                                ? IntStream.range(0, value.size())
                                        .map(i -> integer(name, value.get(i)))
                                        .toArray()
                                : new int[] {integer(name, value)});
            default -> checkNeutral(name, value);
        }
    }

    private static int integer(String name, JsonNode value) {
        if (!value.isInt()) {
            throw new IllegalArgumentException("generation option " + name + ": expected a whole number"
                    + (value.isIntegralNumber() ? " up to " + Integer.MAX_VALUE : "") + ", got " + value);
        }
        return value.intValue();
    }

    private static void checkNeutral(String name, JsonNode value) {
        Double most = SAMPLING_ONLY.get(name);
        if (most != null) {
            boolean whole = name.equals("top_k");
            if (!(whole ? value.isInt() : value.isNumber())
                    || !(value.doubleValue() >= 0 && value.doubleValue() <= most)) {
                throw new IllegalArgumentException("generation option " + name + ": expected a "
                        + (whole ? "whole number from 0" : most == 1 ? "number from 0 to 1" : "number from 0")
                        + ", got " + value);
            }
            return;
        }
        Object given =
                value.isNumber() ? (Object) value.doubleValue() : value.isBoolean() ? value.booleanValue() : null;
        if (given == null || !given.equals(NEUTRAL.get(name))) {
            throw new IllegalArgumentException("generation option " + name + ": " + value
                    + " is not supported; supported: max_new_tokens, min_new_tokens, max_length, min_length,"
                    + " eos_token_id, pad_token_id");
        }
    }

    /**
     * Gives the limit on new tokens.
     *
     * @return 1 or more, or null when unset
     */
    public Integer maxNewTokens() {
        return maxNewTokens;
    }

    /**
     * Gives the least number of new tokens.
     *
     * @return 0 or more, or null when unset
     */
    public Integer minNewTokens() {
        return minNewTokens;
    }

    /**
     * Gives the limit on the whole sequence.
     *
     * @return 1 or more, or null when unset
     */
    public Integer maxLength() {
        return maxLength;
    }

    /**
     * Gives the least length of the whole sequence.
     *
     * @return 0 or more, or null when unset
     */
    public Integer minLength() {
        return minLength;
    }

    /**
     * Gives the end tokens.
     *
     * @return ids, or null when unset: those of the checkpoint then count
     */
    public int[] eosTokenIds() {
        return eosTokenIds == null ? null : eosTokenIds.clone();
    }

    /**
     * Gives the token that fills finished rows.
     *
     * @return an id, or null when unset: that of the checkpoint then counts
     */
    public Integer padTokenId() {
        return padTokenId;
    }

    /**
     * New tokens allowed after {@code promptLength} counted positions, with {@code room} positions left in the model,
     * which may be 0 or less. Never below 1, so that what does not fit is seen by who knows the model's limit.
     */
    int maxNewTokensAfter(int promptLength, int room) {
        int most = Math.max(1, room);
        if (maxNewTokens != null) {
            return maxNewTokens == NO_LIMIT ? most : maxNewTokens;
        }
        if (maxLength == null) {
            return Math.min(DEFAULT_NEW_TOKENS, most);
        }
        if (maxLength <= promptLength) {
            throw new IllegalArgumentException("maxLength: expected more than the " + promptLength
                    + " positions of the prompt (image tokens included), got " + maxLength
                    + "; set maxNewTokens, which counts new tokens only");
        }
        return maxLength == NO_LIMIT ? most : maxLength - promptLength;
    }

    /** New tokens required after {@code promptLength} counted positions. */
    int minNewTokensAfter(int promptLength) {
        return minNewTokens != null ? minNewTokens : minLength == null ? 0 : Math.max(0, minLength - promptLength);
    }

    /** Collects options. */
    public static final class Builder {
        private Integer maxNewTokens;
        private Integer minNewTokens;
        private Integer maxLength;
        private Integer minLength;
        private int[] eosTokenIds;
        private Integer padTokenId;

        private Builder() {}

        /**
         * Sets the limit on new tokens.
         *
         * @param value 1 or more, or {@link #NO_LIMIT}
         * @return this
         */
        public Builder maxNewTokens(int value) {
            this.maxNewTokens = atLeast("maxNewTokens", value, 1);
            return this;
        }

        /**
         * Sets the least number of new tokens.
         *
         * @param value 0 or more
         * @return this
         */
        public Builder minNewTokens(int value) {
            this.minNewTokens = atLeast("minNewTokens", value, 0);
            return this;
        }

        /**
         * Sets the limit on the whole sequence.
         *
         * @param value 1 or more, image tokens and prompt included, or {@link #NO_LIMIT}
         * @return this
         */
        public Builder maxLength(int value) {
            this.maxLength = atLeast("maxLength", value, 1);
            return this;
        }

        /**
         * Sets the least length of the whole sequence.
         *
         * @param value 0 or more, image tokens and prompt included
         * @return this
         */
        public Builder minLength(int value) {
            this.minLength = atLeast("minLength", value, 0);
            return this;
        }

        /**
         * Sets the end tokens, instead of the checkpoint's.
         *
         * @param values token ids of 0 or more; none means that only the length ends a sequence
         * @return this
         */
        public Builder eosTokenIds(int... values) {
            IntStream.of(values).forEach(value -> atLeast("eosTokenIds", value, 0));
            this.eosTokenIds = values.clone();
            return this;
        }

        /**
         * Sets the token that fills finished rows.
         *
         * @param value a token id of 0 or more
         * @return this
         */
        public Builder padTokenId(int value) {
            this.padTokenId = atLeast("padTokenId", value, 0);
            return this;
        }

        /**
         * Makes the configuration.
         *
         * @return the options
         * @throws IllegalArgumentException if a least length exceeds the limit of its kind
         */
        public GenerationConfig build() {
            checkOrder("minNewTokens", minNewTokens, "maxNewTokens", maxNewTokens);
            checkOrder("minLength", minLength, "maxLength", maxLength);
            return new GenerationConfig(this);
        }

        private static void checkOrder(String leastName, Integer least, String mostName, Integer most) {
            if (least != null && most != null && least > most) {
                throw new IllegalArgumentException(
                        leastName + ": expected at most " + mostName + ", " + most + ", got " + least);
            }
        }

        private static int atLeast(String name, int value, int least) {
            if (value < least) {
                throw new IllegalArgumentException(name + ": expected " + least + " or more, got " + value);
            }
            return value;
        }
    }
}
