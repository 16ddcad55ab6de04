/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.weights.MalformedCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * Reads the tokenizer files of a checkpoint and merges them into one {@code tokenizer.json}.
 *
 * <p>Reference: {@code PreTrainedTokenizerBase._from_pretrained} of transformers 5.18. {@code tokenizer.json} decides
 * about everything but the added tokens; those come from it, then from {@code added_tokens_decoder} of
 * {@code tokenizer_config.json} or, when that is missing, {@code added_tokens.json}, then from all keys that name
 * special tokens; last comes the image token.
 */
final class TokenizerFiles {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String DEFAULT_IMAGE_TOKEN = "<image>";
    private static final List<String> ROLES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    private final Path directory;
    private final JsonNode config;
    private final JsonNode specialTokensMap;

    private TokenizerFiles(Path directory) throws IOException {
        this.directory = directory;
        this.config = optional("tokenizer_config.json");
        // Reference: not read when the newer key is there.
        this.specialTokensMap =
                config.has("added_tokens_decoder") ? MAPPER.createObjectNode() : optional("special_tokens_map.json");
    }

    static TokenizerDefinition read(Path directory) throws IOException {
        return new TokenizerFiles(directory).read();
    }

    private TokenizerDefinition read() throws IOException {
        Path source = directory.resolve("tokenizer.json");
        ObjectNode json;
        Map<String, String> roles = roles();
        if (Files.isRegularFile(source)) {
            json = object(source);
        } else {
            source = directory.resolve("vocab.json");
            json = fromVocabAndMerges(source, roles);
        }
        Map<String, Integer> vocabulary = vocabulary(source, json.path("model"));
        AddedTokens added = addedTokens(source, json, vocabulary, roles);
        String imageToken = roles.getOrDefault("image_token", DEFAULT_IMAGE_TOKEN);
        added.putSpecial(imageToken);
        json.set("added_tokens", added.toJson());
        // Both are the caller's business.
        json.putNull("padding");
        json.putNull("truncation");
        return new TokenizerDefinition(
                source, json.toString(), vocabulary, roles, imageToken, cleansUp(json), modelMaxLength());
    }

    // ---- vocabulary

    /** The vocabulary of any model kind: an object of ids, or Unigram's list of pieces with scores. */
    private static Map<String, Integer> vocabulary(Path source, JsonNode model) {
        JsonNode vocab = model.path("vocab");
        Map<String, Integer> ids = new HashMap<>();
        if (vocab.isObject()) {
            for (Map.Entry<String, JsonNode> entry : vocab.properties()) {
                ids.put(entry.getKey(), entry.getValue().intValue());
            }
        } else if (vocab.isArray()) {
            for (JsonNode piece : vocab) {
                ids.put(piece.path(0).asText(), ids.size());
            }
        } else {
            throw malformed(source, "model.vocab: expected an object or a list, got " + vocab.getNodeType());
        }
        return ids;
    }

    /** A byte-level BPE as GPT-2's and OPT's, from its two older files. */
    private ObjectNode fromVocabAndMerges(Path vocab, Map<String, String> roles) throws IOException {
        Path merges = directory.resolve("merges.txt");
        if (!Files.isRegularFile(vocab) || !Files.isRegularFile(merges)) {
            throw new IOException(directory + ": expected tokenizer.json, or vocab.json and merges.txt, found neither; "
                    + "write it with Python: from transformers import AutoTokenizer; "
                    + "AutoTokenizer.from_pretrained(\"" + directory + "\").save_pretrained(\"" + directory + "\")");
        }
        ObjectNode json = MAPPER.createObjectNode();
        ObjectNode model = json.putObject("model").put("type", "BPE");
        model.set("vocab", object(vocab));
        var pairs = model.putArray("merges");
        for (String line : Files.readAllLines(merges)) {
            if (!line.isBlank() && !line.startsWith("#version")) {
                pairs.add(line);
            }
        }
        json.putObject("pre_tokenizer")
                .put("type", "ByteLevel")
                .put("add_prefix_space", config.path("add_prefix_space").asBoolean(false))
                .put("trim_offsets", true)
                .put("use_regex", true);
        json.putObject("decoder")
                .put("type", "ByteLevel")
                .put("add_prefix_space", true)
                .put("trim_offsets", true)
                .put("use_regex", true);
        addTemplate(json, roles, model.get("vocab"));
        return json;
    }

    /** Start and end tokens around every text, as {@code add_bos_token} and {@code add_eos_token} ask. */
    private void addTemplate(ObjectNode json, Map<String, String> roles, JsonNode vocab) {
        ObjectNode processor = json.putObject("post_processor").put("type", "TemplateProcessing");
        ObjectNode ids = MAPPER.createObjectNode();
        for (String key : List.of("single", "pair")) {
            var template = processor.putArray(key);
            for (int text = 0; text < (key.equals("pair") ? 2 : 1); text++) {
                for (String part : List.of("add_bos_token", "text", "add_eos_token")) {
                    String token = roles.get(part.replace("add_", ""));
                    if (part.equals("text")) {
                        template.addObject()
                                .putObject("Sequence")
                                .put("id", text == 0 ? "A" : "B")
                                .put("type_id", text);
                    } else if (token != null
                            && vocab.has(token)
                            && config.path(part).asBoolean(false)) {
                        template.addObject()
                                .putObject("SpecialToken")
                                .put("id", token)
                                .put("type_id", text);
                        ObjectNode special = ids.putObject(token).put("id", token);
                        special.putArray("ids").add(vocab.get(token).intValue());
                        special.putArray("tokens").add(token);
                    }
                }
            }
        }
        processor.set("special_tokens", ids);
    }

    // ---- added and special tokens

    private AddedTokens addedTokens(
            Path source, JsonNode json, Map<String, Integer> vocabulary, Map<String, String> roles) throws IOException {
        AddedTokens added = new AddedTokens(vocabulary);
        for (JsonNode token : json.path("added_tokens")) {
            added.put(content(source, token), token);
        }
        Set<String> special = new LinkedHashSet<>(roles.values());
        special.addAll(extraSpecialTokens());
        JsonNode decoder = config.path("added_tokens_decoder");
        if (decoder.isObject()) {
            TreeMap<Integer, JsonNode> byId = new TreeMap<>();
            decoder.properties().forEach(entry -> byId.put(Integer.valueOf(entry.getKey()), entry.getValue()));
            byId.values().forEach(token -> added.put(content(source, token), token));
        } else {
            TreeMap<Integer, String> byId = new TreeMap<>();
            optional("added_tokens.json")
                    .properties()
                    .forEach(entry -> byId.put(entry.getValue().intValue(), entry.getKey()));
            byId.values().forEach(token -> added.put(token, special.contains(token)));
        }
        special.forEach(added::putSpecial);
        return added;
    }

    /** Special tokens by role: the seven that all tokenizers know, and any other key that ends in {@code _token}. */
    private Map<String, String> roles() {
        Map<String, String> roles = new LinkedHashMap<>();
        for (JsonNode file : List.of(config, specialTokensMap, config.path("extra_special_tokens"))) {
            for (Map.Entry<String, JsonNode> entry : file.properties()) {
                String role = entry.getKey();
                String token = contentOrNull(entry.getValue());
                if (token != null && (ROLES.contains(role) || role.endsWith("_token"))) {
                    roles.put(role, token);
                }
            }
        }
        return roles;
    }

    private List<String> extraSpecialTokens() {
        List<String> extra = new ArrayList<>();
        for (JsonNode file : List.of(config, specialTokensMap)) {
            for (String key : List.of("extra_special_tokens", "additional_special_tokens")) {
                for (JsonNode token : file.path(key)) {
                    String content = contentOrNull(token);
                    if (content != null) {
                        extra.add(content);
                    }
                }
            }
        }
        return extra;
    }

    /** A token is written as a string or as an object with its content. */
    private static String contentOrNull(JsonNode token) {
        JsonNode content = token.isObject() ? token.path("content") : token;
        return content.isTextual() ? content.textValue() : null;
    }

    private static String content(Path source, JsonNode token) {
        String content = contentOrNull(token);
        if (content == null) {
            throw malformed(source, "added token: expected an object with content, got " + token);
        }
        return content;
    }

    // ---- other settings

    /** Reference: transformers ignores the setting for BPE, where it would eat spaces that belong to the text. */
    private boolean cleansUp(JsonNode json) {
        boolean forced = config.path("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output")
                .asBoolean(false);
        boolean bpe = json.path("model").path("type").asText().equals("BPE");
        return config.path("clean_up_tokenization_spaces").asBoolean(false) && (!bpe || forced);
    }

    /** Reference: "no limit" is written as a number near 1e30. */
    private OptionalInt modelMaxLength() {
        JsonNode length = config.path("model_max_length");
        return length.isInt() ? OptionalInt.of(length.intValue()) : OptionalInt.empty();
    }

    // ---- files

    private JsonNode optional(String name) throws IOException {
        Path file = directory.resolve(name);
        return Files.isRegularFile(file) ? object(file) : MAPPER.createObjectNode();
    }

    private static ObjectNode object(Path file) throws IOException {
        try {
            if (MAPPER.readTree(Files.readAllBytes(file)) instanceof ObjectNode object) {
                return object;
            }
            throw malformed(file, "expected a JSON object");
        } catch (JsonProcessingException e) {
            throw malformed(file, "not valid JSON: " + e.getOriginalMessage());
        }
    }

    static MalformedCheckpointException malformed(Path file, String what) {
        return new MalformedCheckpointException(file, file + ": " + what);
    }
}
