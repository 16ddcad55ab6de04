/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tokens that are found in a text before the model splits it, in the order in which they are added.
 *
 * <p>Reference: an added token that the model's vocabulary has keeps that id; any other gets the next free one.
 */
final class AddedTokens {

    private final Map<String, Integer> vocabulary;
    private final int modelSize;
    private final Map<String, ObjectNode> tokens = new LinkedHashMap<>();
    private int highest = -1;

    /**
     * Starts without added tokens.
     *
     * @param vocabulary the model's tokens and their ids; the added ones are put into it
     */
    AddedTokens(Map<String, Integer> vocabulary) {
        this.vocabulary = vocabulary;
        this.modelSize = vocabulary.size();
    }

    /** Adds a token as a file describes it, or replaces its description. */
    void put(String content, JsonNode description) {
        put(content, description, flag(description, "special", false));
    }

    private void put(String content, JsonNode description, boolean special) {
        put(
                content,
                flag(description, "lstrip", false),
                flag(description, "rstrip", false),
                flag(description, "single_word", false),
                flag(description, "normalized", !special),
                special);
    }

    /** Adds a plain token. */
    void put(String content, boolean special) {
        put(content, false, false, false, !special, special);
    }

    /**
     * Makes a token special, which hides it when decoding; adds it when it is not there.
     *
     * @param description what the file says of it: an object with flags, or the content alone
     */
    void putSpecial(String content, JsonNode description) {
        ObjectNode token = tokens.get(content);
        if (token == null) {
            put(content, description, true);
        } else {
            token.put("special", true);
        }
    }

    private void put(
            String content, boolean lstrip, boolean rstrip, boolean singleWord, boolean normalized, boolean special) {
        if (content.isEmpty()) {
            return;
        }
        // An earlier mention of the token keeps its place and that it is special.
        ObjectNode earlier = tokens.get(content);
        ObjectNode token = JsonNodeFactory.instance.objectNode();
        token.put("id", idOf(content));
        token.put("content", content);
        token.put("single_word", singleWord);
        token.put("lstrip", lstrip);
        token.put("rstrip", rstrip);
        token.put("normalized", normalized);
        token.put("special", special || (earlier != null && flag(earlier, "special", false)));
        tokens.put(content, token);
    }

    private int idOf(String content) {
        Integer known = vocabulary.get(content);
        int id = known != null ? known : Math.max(highest + 1, modelSize);
        vocabulary.put(content, id);
        highest = Math.max(highest, id);
        return id;
    }

    private static boolean flag(JsonNode token, String key, boolean fallback) {
        JsonNode value = token.get(key);
        return value == null || !value.isBoolean() ? fallback : value.booleanValue();
    }

    /** Contents of the tokens that are looked for in the normalized text. */
    List<String> normalized() {
        return tokens.values().stream()
                .filter(token -> token.get("normalized").booleanValue())
                .map(token -> token.get("content").textValue())
                .toList();
    }

    /** The tokens as {@code tokenizer.json} lists them. */
    ArrayNode toJson() {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        tokens.values().forEach(list::add);
        return list;
    }
}
