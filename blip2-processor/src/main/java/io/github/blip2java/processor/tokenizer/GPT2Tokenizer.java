/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.checkpoint.CheckpointFile;
import io.github.blip2java.internal.config.ConfigNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Byte-level BPE as OPT uses it: text split as GPT-2 does, its bytes merged, a start token in front.
 *
 * <p>Reference class: {@code GPT2Tokenizer}.
 */
final class GPT2Tokenizer extends TokenizerClass {

    private static final String END_OF_TEXT = "<|endoftext|>";
    private static final String AROUND = "post_processor";

    @Override
    List<String> olderFiles() {
        return List.of("vocab.json", "merges.txt");
    }

    @Override
    Map<String, String> defaultRoles() {
        return Map.of("unk_token", END_OF_TEXT, "bos_token", END_OF_TEXT, "eos_token", END_OF_TEXT);
    }

    /** Reference: what the file puts around a text counts, and {@code add_bos_token} beside it does not. */
    @Override
    ObjectNode rebuild(Path source, ObjectNode file, ConfigNode config) {
        JsonNode merges = file.path("model").path("merges");
        if (!merges.isArray()) {
            throw TokenizerFiles.malformed(source, "model.merges: expected a list, got " + merges.getNodeType());
        }
        ObjectNode json = json(idsByToken(source, file), merges, config);
        JsonNode around = file.path(AROUND);
        json.set(AROUND, around.isObject() ? around : template(List.of(), List.of(), Map.of()));
        return json;
    }

    @Override
    ObjectNode fromOlderFiles(Path directory, ConfigNode config, Map<String, String> roles) throws IOException {
        Path vocab = directory.resolve(olderFiles().get(0));
        ArrayNode merges = JsonNodeFactory.instance.arrayNode();
        for (String line : CheckpointFile.lines(directory.resolve(olderFiles().get(1)))) {
            if (!line.isBlank() && !line.startsWith("#version")) {
                merges.add(line);
            }
        }
        return json(CheckpointFile.json(vocab), merges, config);
    }

    private static ObjectNode json(JsonNode vocab, JsonNode merges, ConfigNode config) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ObjectNode model = json.putObject("model")
                .put("type", "BPE")
                .put("continuing_subword_prefix", "")
                .put("end_of_word_suffix", "")
                .put("fuse_unk", false)
                .put("byte_fallback", false);
        model.set("vocab", vocab);
        model.set("merges", merges);
        byteLevel(json.putObject("pre_tokenizer"), config.flag("add_prefix_space", false));
        byteLevel(json.putObject("decoder"), true);
        return json;
    }

    private static void byteLevel(ObjectNode step, boolean prefixSpace) {
        step.put("type", "ByteLevel")
                .put("add_prefix_space", prefixSpace)
                .put("trim_offsets", true)
                .put("use_regex", true);
    }

    @Override
    void finish(ObjectNode json, ConfigNode config, Map<String, String> roles, Map<String, Integer> ids) {
        if (!json.has(AROUND)) {
            json.set(AROUND, template(around("bos", config, roles), around("eos", config, roles), ids));
        }
    }

    private static List<String> around(String role, ConfigNode config, Map<String, String> roles) {
        String token = roles.get(role + "_token");
        return token != null && config.flag("add_" + role + "_token", false) ? List.of(token) : List.of();
    }
}
