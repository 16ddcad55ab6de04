/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * How a text is marked (Kirchenbauer et al. 2023, arXiv 2301.10226): which part of the vocabulary is favoured after a token depends on
 * that token and a key. Reference: {@code WatermarkingConfig}.
 *
 * @param greenlistRatio the favoured part, 0 to 1
 * @param bias           what is added to its scores
 * @param hashingKey     the key
 * @param seedingScheme  {@code lefthash}, by the tokens before, or {@code selfhash}, by the token itself too
 * @param contextWidth   tokens that count, 1 or more
 */
public record WatermarkingConfig(
        double greenlistRatio, double bias, long hashingKey, String seedingScheme, int contextWidth) {
    private static final Set<String> NAMES =
            Set.of("greenlist_ratio", "bias", "hashing_key", "seeding_scheme", "context_width");

    /** The reference's defaults. */
    public static final WatermarkingConfig DEFAULT = new WatermarkingConfig(0.25, 2, 15485863, "lefthash", 1);

    static final OptionType<WatermarkingConfig> TYPE = new OptionType<>() {
        @Override
        public WatermarkingConfig read(JsonNode json) {
            return json.isObject() ? WatermarkingConfig.of(json) : null;
        }

        @Override
        public Object write(WatermarkingConfig value) {
            return value.toMap();
        }

        @Override
        public boolean accepts(WatermarkingConfig value) {
            return value.greenlistRatio >= 0
                    && value.greenlistRatio <= 1
                    && Double.isFinite(value.bias)
                    && value.contextWidth >= 1
                    && Set.of("lefthash", "selfhash").contains(value.seedingScheme);
        }

        @Override
        public String expected() {
            return "an object of " + String.join(", ", NAMES.stream().sorted().toList())
                    + " with a ratio from 0 to 1, the scheme lefthash or selfhash, and a width of 1 or more";
        }
    };

    private static WatermarkingConfig of(JsonNode json) {
        for (Map.Entry<String, JsonNode> field : json.properties()) {
            boolean text = field.getKey().equals("seeding_scheme");
            if (!NAMES.contains(field.getKey())
                    || (text ? !field.getValue().isTextual() : !field.getValue().isNumber())) {
                return null;
            }
        }
        return new WatermarkingConfig(
                json.path("greenlist_ratio").asDouble(DEFAULT.greenlistRatio),
                json.path("bias").asDouble(DEFAULT.bias),
                json.path("hashing_key").asLong(DEFAULT.hashingKey),
                json.path("seeding_scheme").asText(DEFAULT.seedingScheme),
                json.path("context_width").asInt(DEFAULT.contextWidth));
    }

    private Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("greenlist_ratio", greenlistRatio);
        map.put("bias", bias);
        map.put("hashing_key", hashingKey);
        map.put("seeding_scheme", seedingScheme);
        map.put("context_width", contextWidth);
        return map;
    }
}
