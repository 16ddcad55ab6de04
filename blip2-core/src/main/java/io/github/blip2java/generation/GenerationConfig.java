/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * How to generate. Every option may be left unset; names and meanings are those of {@code transformers}.
 *
 * <p>Lengths: {@code maxNewTokens} and {@code minNewTokens} count new tokens. {@code maxLength} and {@code minLength} count
 * everything: for a decoder-only model the image tokens, the prompt and its padding too, for an encoder–decoder model the
 * start token. The former win where both are set. With none set, 20 new tokens are the limit.
 *
 * <p>Reference: {@code GenerationConfig}.
 */
public final class GenerationConfig {
    private static final int DEFAULT_NEW_TOKENS = 20;

    /** Options of the reference that change nothing at these values. */
    private static final Map<String, String> NEUTRAL = Map.ofEntries(
            Map.entry("num_beams", "1"),
            Map.entry("do_sample", "false"),
            Map.entry("num_return_sequences", "1"),
            Map.entry("repetition_penalty", "1"),
            Map.entry("no_repeat_ngram_size", "0"),
            Map.entry("length_penalty", "1"),
            Map.entry("early_stopping", "false"),
            Map.entry("use_cache", "true"));

    /** Options that only matter when sampling, which is not supported, so that they never matter. */
    private static final Set<String> SAMPLING_ONLY =
            Set.of("temperature", "top_k", "top_p", "typical_p", "min_p", "epsilon_cutoff", "eta_cutoff");

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
     * Reads options by their Hugging Face names.
     *
     * @param json a JSON object such as {@code {"max_new_tokens": 30, "eos_token_id": [2, 50118]}}
     * @return the configuration
     * @throws IllegalArgumentException if it is no object, a value has the wrong type, or an option is not supported here
     */
    public static GenerationConfig fromJson(String json) {
        try {
            JsonNode node = new ObjectMapper().readTree(json);
            Builder builder = builder();
            for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
                String name = names.next();
                set(builder, name, node.get(name));
            }
            return builder.build();
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    "generation options: expected a JSON object, got " + json + " (" + e.getOriginalMessage() + ")", e);
        }
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
            default -> {
                boolean neutral = NEUTRAL.containsKey(name)
                        && NEUTRAL.get(name).equals(value.asText().replaceAll("\\.0$", ""));
                if (!neutral && !SAMPLING_ONLY.contains(name)) {
                    throw new IllegalArgumentException("generation option " + name + ": " + value
                            + " is not supported; supported: max_new_tokens, min_new_tokens, max_length, min_length,"
                            + " eos_token_id, pad_token_id");
                }
            }
        }
    }

    private static int integer(String name, JsonNode value) {
        if (!value.isInt()) {
            throw new IllegalArgumentException("generation option " + name + ": expected a whole number, got " + value);
        }
        return value.intValue();
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

    /** New tokens allowed after {@code promptLength} counted positions, with {@code room} positions left in the model. */
    int maxNewTokensAfter(int promptLength, int room) {
        if (maxNewTokens != null) {
            return maxNewTokens;
        }
        if (maxLength == null) {
            return Math.max(1, Math.min(DEFAULT_NEW_TOKENS, room));
        }
        if (maxLength <= promptLength) {
            throw new IllegalArgumentException("maxLength: expected more than the " + promptLength
                    + " positions of the prompt (image tokens included), got " + maxLength
                    + "; set maxNewTokens, which counts new tokens only");
        }
        return maxLength - promptLength;
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
         * @param value 1 or more
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
         * @param value 1 or more, image tokens and prompt included
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
         * @param values token ids; none means that only the length ends a sequence
         * @return this
         */
        public Builder eosTokenIds(int... values) {
            this.eosTokenIds = values.clone();
            return this;
        }

        /**
         * Sets the token that fills finished rows.
         *
         * @param value a token id
         * @return this
         */
        public Builder padTokenId(int value) {
            this.padTokenId = value;
            return this;
        }

        /**
         * Makes the configuration.
         *
         * @return the options
         * @throws IllegalArgumentException if the least number of new tokens exceeds the limit
         */
        public GenerationConfig build() {
            if (minNewTokens != null && maxNewTokens != null && minNewTokens > maxNewTokens) {
                throw new IllegalArgumentException(
                        "minNewTokens: expected at most maxNewTokens, " + maxNewTokens + ", got " + minNewTokens);
            }
            return new GenerationConfig(this);
        }

        private static int atLeast(String name, int value, int least) {
            if (value < least) {
                throw new IllegalArgumentException(name + ": expected " + least + " or more, got " + value);
            }
            return value;
        }
    }
}
