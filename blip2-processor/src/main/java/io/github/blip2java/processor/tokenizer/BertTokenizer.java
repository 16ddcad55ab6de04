/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.checkpoint.CheckpointFile;
import io.github.blip2java.internal.config.ConfigNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * WordPiece as the retrieval models use it: text cleaned and, by default, in lower case without accents, words and Chinese
 * characters split, {@code [CLS]} in front and {@code [SEP]} behind.
 *
 * <p>Reference class: {@code BertTokenizer}.
 */
final class BertTokenizer extends TokenizerClass {

    private static final String UNKNOWN = "unk_token";
    private static final int LONGEST_WORD = 100;

    @Override
    List<String> olderFiles() {
        return List.of("vocab.txt");
    }

    @Override
    Map<String, String> defaultRoles() {
        return Map.of(
                UNKNOWN,
                "[UNK]",
                "sep_token",
                "[SEP]",
                "pad_token",
                "[PAD]",
                "cls_token",
                "[CLS]",
                "mask_token",
                "[MASK]");
    }

    @Override
    ObjectNode rebuild(Path source, ObjectNode file, ConfigNode config) {
        return json(idsByToken(source, file), config);
    }

    /** The id of a token is the number of its line; a token that stands twice has the later one. */
    @Override
    ObjectNode fromOlderFiles(Path directory, ConfigNode config, Map<String, String> roles) throws IOException {
        ObjectNode ids = JsonNodeFactory.instance.objectNode();
        int line = 0;
        for (String token : CheckpointFile.lines(directory.resolve(olderFiles().get(0)))) {
            ids.put(trimEnd(token), line++);
        }
        return json(ids, config);
    }

    /** Reference: Rust's {@code str::trim_end}, whose white space is Unicode's, with the no-break ones. */
    private static String trimEnd(String token) {
        int end = token.length();
        while (end > 0 && (Character.isSpaceChar(token.charAt(end - 1)) || isControlSpace(token.charAt(end - 1)))) {
            end--;
        }
        return token.substring(0, end);
    }

    private static boolean isControlSpace(char unit) {
        return unit >= '\t' && unit <= '\r' || unit == '\u0085';
    }

    private static ObjectNode json(JsonNode ids, ConfigNode config) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ObjectNode model = json.putObject("model")
                .put("type", "WordPiece")
                .put("continuing_subword_prefix", "##")
                .put("max_input_chars_per_word", LONGEST_WORD);
        model.set("vocab", ids);
        ObjectNode normalizer = json.putObject("normalizer")
                .put("type", "BertNormalizer")
                .put("clean_text", true)
                .put("handle_chinese_chars", config.flag("tokenize_chinese_chars", true))
                .put("lowercase", config.flag("do_lower_case", true));
        // Reference: null stands for "as lowercase".
        normalizer.put(
                "strip_accents", config.has("strip_accents") ? (Boolean) config.flag("strip_accents", true) : null);
        json.putObject("pre_tokenizer").put("type", "BertPreTokenizer");
        json.putObject("decoder").put("type", "WordPiece").put("prefix", "##").put("cleanup", true);
        return json;
    }

    @Override
    void finish(ObjectNode json, ConfigNode config, Map<String, String> roles, Map<String, Integer> ids) {
        String unknown = required(UNKNOWN, config, roles);
        JsonNode vocab = json.at("/model/vocab");
        if (!vocab.has(unknown)) {
            throw config.malformed(UNKNOWN, "expected a token of the vocabulary, got \"" + unknown + '"');
        }
        ((ObjectNode) json.get("model")).put(UNKNOWN, unknown);
        json.set(
                "post_processor",
                template(
                        List.of(required("cls_token", config, roles)),
                        List.of(required("sep_token", config, roles)),
                        ids));
    }
}
