/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.checkpoint.CheckpointFile;
import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.internal.config.Limits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * Reads the tokenizer files of a checkpoint and merges them into one {@code tokenizer.json}.
 *
 * <p>Reference: {@code PreTrainedTokenizerBase._from_pretrained} of transformers 5.18. The vocabulary comes from
 * {@code tokenizer.json} or the older files, the steps around it from the {@link TokenizerClass}. Added tokens come from
 * {@code added_tokens_decoder} of {@code tokenizer_config.json} or, when that is missing, from {@code added_tokens.json} and
 * {@code tokenizer.json}, then from all keys that name special tokens; last comes the image token.
 */
final class TokenizerFiles {

    private static final String DEFAULT_IMAGE_TOKEN = "<image>";
    private static final String JSON_FILE = "tokenizer.json";
    private static final String CONFIG_FILE = "tokenizer_config.json";
    private static final String ADDED_TOKENS = "added_tokens";
    private static final String DECODER = "added_tokens_decoder";
    private static final List<String> ROLES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
    private static final List<String> EXTRA_KEYS = List.of("extra_special_tokens", "additional_special_tokens");

    private final Path directory;
    private final ObjectNode config;
    private final ConfigNode settings;
    private final ObjectNode specialTokensMap;
    /** Flags of special tokens that files write as objects, by content. */
    private final Map<String, JsonNode> descriptions = new HashMap<>();

    private TokenizerFiles(Path directory) throws IOException {
        this.directory = directory;
        this.config = optional(CONFIG_FILE);
        this.settings = ConfigNode.of(directory.resolve(CONFIG_FILE), config);
        // Reference: not read when the newer key is there.
        this.specialTokensMap = config.has(DECODER) ? empty() : optional("special_tokens_map.json");
    }

    static TokenizerDefinition read(Path directory) throws IOException {
        return new TokenizerFiles(directory).read();
    }

    private TokenizerDefinition read() throws IOException {
        Path fast = directory.resolve(JSON_FILE);
        ObjectNode file = Files.isRegularFile(fast) ? CheckpointFile.json(fast) : null;
        TokenizerClass kind = TokenizerClass.of(settings, file, name -> Files.isRegularFile(directory.resolve(name)));
        if (kind == null) {
            throw new IOException(directory
                    + ": expected tokenizer.json, or vocab.json and merges.txt, or vocab.txt, or"
                    + " spiece.model, found none of them; write it with Python: from transformers import AutoTokenizer; "
                    + "AutoTokenizer.from_pretrained(\"" + directory + "\").save_pretrained(\"" + directory + "\")");
        }
        Map<String, String> roles = roles(kind);
        Path source = file == null ? directory.resolve(kind.olderFiles().get(0)) : fast;
        JsonNode written = file == null ? null : file.path(ADDED_TOKENS);
        ObjectNode json =
                file == null ? kind.fromOlderFiles(directory, settings, roles) : kind.rebuild(source, file, settings);
        Map<String, Integer> vocabulary = vocabulary(source, json.path("model"));
        AddedTokens added = addedTokens(source, kind, written, vocabulary, roles);
        String imageToken = roles.getOrDefault("image_token", DEFAULT_IMAGE_TOKEN);
        added.putSpecial(imageToken, empty());
        json.set(ADDED_TOKENS, added.toJson());
        kind.finish(json, settings, roles, vocabulary);
        TokenizerSteps.check(source, json);
        // Both are the caller's business.
        json.putNull("padding");
        json.putNull("truncation");
        boolean normalizes = json.path("normalizer").isObject();
        return new TokenizerDefinition(
                source,
                json.toString(),
                vocabulary,
                roles,
                imageToken,
                cleansUp(json),
                json.path("normalizer").toString(),
                normalizes ? added.normalized() : List.of(),
                modelMaxLength());
    }

    // ---- vocabulary

    /** The vocabulary of any model kind: an object of ids, or Unigram's list of pieces with scores. */
    private static Map<String, Integer> vocabulary(Path source, JsonNode model) {
        JsonNode vocab = model.path("vocab");
        Map<String, Integer> ids = new HashMap<>();
        if (vocab.isObject()) {
            for (Map.Entry<String, JsonNode> entry : vocab.properties()) {
                ids.put(entry.getKey(), id(source, entry.getKey(), entry.getValue()));
            }
        } else if (vocab.isArray()) {
            for (JsonNode piece : vocab) {
                if (piece.size() != 2
                        || !piece.get(0).isTextual()
                        || !piece.get(1).isNumber()) {
                    throw malformed(
                            source,
                            "model.vocab: expected pairs of a piece and a score, got " + CheckpointFile.shown(piece));
                }
                ids.put(piece.get(0).textValue(), ids.size());
            }
        } else {
            throw malformed(source, "model.vocab: expected an object or a list, got " + vocab.getNodeType());
        }
        return ids;
    }

    private static int id(Path source, String token, JsonNode id) {
        if (!id.isInt() || id.intValue() < 0 || id.intValue() >= Limits.VOCAB) {
            throw malformed(
                    source,
                    "token \"" + CheckpointFile.shown(token) + "\": expected an id from 0 to " + (Limits.VOCAB - 1)
                            + ", got " + CheckpointFile.shown(id));
        }
        return id.intValue();
    }

    // ---- added and special tokens

    private AddedTokens addedTokens(
            Path source,
            TokenizerClass kind,
            JsonNode written,
            Map<String, Integer> vocabulary,
            Map<String, String> roles)
            throws IOException {
        AddedTokens added = new AddedTokens(vocabulary);
        List<String> special = new ArrayList<>(roles.values());
        special.addAll(kind.extraTokens(settings, extraSpecialTokens()));
        TreeMap<Integer, JsonNode> byId = new TreeMap<>();
        if (kind.keepsAddedTokens()) {
            written.forEach(token -> added.put(content(source, token), token));
        }
        if (config.path(DECODER).isObject()) {
            Path file = directory.resolve(CONFIG_FILE);
            for (Map.Entry<String, JsonNode> entry : config.path(DECODER).properties()) {
                byId.put(number(file, entry.getKey()), entry.getValue());
            }
        } else {
            Path file = directory.resolve("added_tokens.json");
            for (Map.Entry<String, JsonNode> entry :
                    optional("added_tokens.json").properties()) {
                ObjectNode token = empty().put("content", entry.getKey());
                byId.put(
                        id(file, entry.getKey(), entry.getValue()),
                        token.put("special", special.contains(entry.getKey())));
            }
            if (written != null && !kind.keepsAddedTokens()) {
                for (JsonNode token : written) {
                    byId.put(id(source, content(source, token), token.path("id")), token);
                }
            }
        }
        byId.values().forEach(token -> added.put(content(source, token), token));
        special.forEach(token -> added.putSpecial(token, descriptions.getOrDefault(token, empty())));
        return added;
    }

    private static int number(Path file, String key) {
        try {
            return Integer.parseInt(key);
        } catch (NumberFormatException e) {
            throw malformed(file, DECODER + ": expected token ids as keys, got \"" + CheckpointFile.shown(key) + '"');
        }
    }

    /** Special tokens by role: the seven that all tokenizers know, and any other key that ends in {@code _token}. */
    private Map<String, String> roles(TokenizerClass kind) {
        Map<String, String> found = new LinkedHashMap<>(kind.defaultRoles());
        // A role that is null in the file has no token.
        config.properties().forEach(entry -> found.remove(entry.getKey()));
        for (JsonNode file : List.of(config, specialTokensMap, config.path("extra_special_tokens"))) {
            for (Map.Entry<String, JsonNode> entry : file.properties()) {
                String role = entry.getKey();
                String token = contentOrNull(entry.getValue());
                if (token != null && (ROLES.contains(role) || role.endsWith("_token"))) {
                    found.put(role, token);
                    describe(token, entry.getValue());
                }
            }
        }
        Map<String, String> roles = new LinkedHashMap<>();
        ROLES.stream().filter(found::containsKey).forEach(role -> roles.put(role, found.get(role)));
        found.forEach(roles::putIfAbsent);
        return roles;
    }

    private List<String> extraSpecialTokens() {
        List<String> extra = new ArrayList<>();
        for (JsonNode file : List.of(config, specialTokensMap)) {
            for (String key : EXTRA_KEYS) {
                for (JsonNode token : file.path(key)) {
                    String content = contentOrNull(token);
                    if (content != null) {
                        extra.add(content);
                        describe(content, token);
                    }
                }
            }
        }
        return extra;
    }

    private void describe(String content, JsonNode token) {
        if (token.isObject()) {
            descriptions.put(content, token);
        }
    }

    /** A token is written as a string or as an object with its content. */
    private static String contentOrNull(JsonNode token) {
        JsonNode content = token.isObject() ? token.path("content") : token;
        return content.isTextual() ? content.textValue() : null;
    }

    private static String content(Path source, JsonNode token) {
        String content = contentOrNull(token);
        if (content == null) {
            throw malformed(source, "added token: expected an object with content, got " + CheckpointFile.shown(token));
        }
        return content;
    }

    // ---- other settings

    /** Reference: transformers ignores the setting for BPE, where it would eat spaces that belong to the text. */
    private boolean cleansUp(JsonNode json) {
        boolean forced =
                settings.flag("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", false);
        boolean bpe = json.path("model").path("type").asText().equals("BPE");
        return settings.flag("clean_up_tokenization_spaces", false) && (!bpe || forced);
    }

    /** Reference: "no limit" is written as a number near 1e30; anything above what a model can have counts as none here. */
    private OptionalInt modelMaxLength() {
        JsonNode length = config.path("model_max_length");
        if (length.isNumber() && length.doubleValue() > Limits.POSITIONS) {
            return OptionalInt.empty();
        }
        int most = settings.integer("model_max_length", 0, 1, Limits.POSITIONS);
        return most == 0 ? OptionalInt.empty() : OptionalInt.of(most);
    }

    // ---- files

    private ObjectNode optional(String name) throws IOException {
        Path file = directory.resolve(name);
        return Files.isRegularFile(file) ? CheckpointFile.json(file) : empty();
    }

    private static ObjectNode empty() {
        return JsonNodeFactory.instance.objectNode();
    }

    static MalformedCheckpointException malformed(Path file, String problem) {
        return new MalformedCheckpointException(file, file.getFileName() + ": " + problem + "; download it again");
    }
}
