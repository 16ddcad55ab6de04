/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.internal.config.ConfigNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/**
 * SentencePiece's Unigram model as T5 uses it: the vocabulary's character map, words split at white space, {@code ▁} in front
 * of each, {@code </s>} behind the text. White space at the end gives no token, as in SentencePiece, with which T5 was trained.
 *
 * <p>Reference class: {@code T5Tokenizer}.
 */
final class T5Tokenizer extends TokenizerClass {

    private static final String SENTINEL = "<extra_id_";
    private static final int MOST_SENTINELS = 1000;
    private static final int UNKNOWN = 2;

    @Override
    List<String> olderFiles() {
        return List.of("spiece.model");
    }

    @Override
    Map<String, String> defaultRoles() {
        return Map.of("eos_token", "</s>", "unk_token", "<unk>", "pad_token", "<pad>");
    }

    /** Reference: all sentinels, unless the files name some of them. */
    @Override
    List<String> extraTokens(ConfigNode config, List<String> named) {
        if (named.stream().anyMatch(token -> token.contains(SENTINEL))) {
            return named;
        }
        List<String> all = new ArrayList<>(named);
        for (int i = 0; i < sentinels(config); i++) {
            all.add(SENTINEL + i + ">");
        }
        return all;
    }

    private static int sentinels(ConfigNode config) {
        return config.integer("extra_ids", 100, 0, MOST_SENTINELS);
    }

    @Override
    ObjectNode rebuild(Path source, ObjectNode file, ConfigNode config) {
        JsonNode vocab = file.path("model").path("vocab");
        if (!vocab.isArray()) {
            throw TokenizerFiles.malformed(
                    source, "model.vocab: expected a list of pieces and scores, got " + vocab.getNodeType());
        }
        return json((ArrayNode) vocab, file.path("normalizer").findValue("precompiled_charsmap"));
    }

    @Override
    ObjectNode fromOlderFiles(Path directory, ConfigNode config, Map<String, String> roles) throws IOException {
        SentencePieceModel model =
                SentencePieceModel.read(directory.resolve(olderFiles().get(0)));
        ArrayNode vocab = JsonNodeFactory.instance.arrayNode();
        model.pieces().forEach(piece -> vocab.addArray().add(piece.text()).add((double) piece.score()));
        for (int i = sentinels(config) - 1; i >= 0; i--) {
            vocab.addArray().add(SENTINEL + i + ">").add(0.0);
        }
        byte[] map = model.characterMap();
        return json(
                vocab,
                map.length == 0
                        ? null
                        : JsonNodeFactory.instance.textNode(Base64.getEncoder().encodeToString(map)));
    }

    private static ObjectNode json(ArrayNode vocab, JsonNode characterMap) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ObjectNode model = json.putObject("model").put("type", "Unigram").put("unk_id", UNKNOWN);
        model.set("vocab", vocab);
        model.put("byte_fallback", false);
        if (characterMap != null) {
            json.putObject("normalizer").put("type", "Precompiled").set("precompiled_charsmap", characterMap);
        }
        ObjectNode metaspace = JsonNodeFactory.instance
                .objectNode()
                .put("type", "Metaspace")
                .put("replacement", "▁")
                .put("prepend_scheme", "always")
                .put("split", true);
        ObjectNode words = json.putObject("pre_tokenizer").put("type", "Sequence");
        words.putArray("pretokenizers").addObject().put("type", "WhitespaceSplit");
        words.withArray("pretokenizers").add(metaspace);
        json.set("decoder", metaspace.deepCopy());
        return json;
    }

    @Override
    void finish(ObjectNode json, ConfigNode config, Map<String, String> roles, Map<String, Integer> ids) {
        json.set("post_processor", template(List.of(), List.of(required("eos_token", config, roles)), ids));
    }
}
