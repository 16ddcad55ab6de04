/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.internal.config.ConfigNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * What a tokenizer class of {@code transformers} makes of a checkpoint's files.
 *
 * <p>Reference: since version 5 the classes of the models take the vocabulary alone from a {@code tokenizer.json} and build
 * the steps around it as the model was trained, whatever the file says of them.
 */
abstract class TokenizerClass {

    /** A file's tokenizer as it stands: for {@code PreTrainedTokenizerFast} and every class that is not known here. */
    static final TokenizerClass AS_WRITTEN = new TokenizerClass() {
        @Override
        List<String> olderFiles() {
            return List.of();
        }

        @Override
        ObjectNode rebuild(Path source, ObjectNode file, ConfigNode config) {
            return file;
        }

        @Override
        ObjectNode fromOlderFiles(Path directory, ConfigNode config, Map<String, String> roles) {
            throw new IllegalStateException("not reached: there are no older files of this class");
        }

        @Override
        boolean keepsAddedTokens() {
            return true;
        }
    };

    private static final List<TokenizerClass> WITH_OLDER_FILES =
            List.of(new T5Tokenizer(), new GPT2Tokenizer(), new BertTokenizer());

    /**
     * Chooses as {@code AutoTokenizer} does: the class that {@code tokenizer_config.json} names; where it names none, the one
     * whose older files are there, and T5's for a Unigram model, which no other model of BLIP-2 has.
     *
     * @param file the content of {@code tokenizer.json}, or null
     * @return the class; null where its files are missing
     */
    static TokenizerClass of(ConfigNode config, ObjectNode file, Predicate<String> exists) {
        String name = config.text("tokenizer_class", "").replaceFirst("Fast$", "");
        for (TokenizerClass one : WITH_OLDER_FILES) {
            boolean named = one.getClass().getSimpleName().equals(name);
            if (named && (file != null || exists.test(one.olderFiles().get(0)))) {
                return one;
            }
        }
        if (file == null) {
            return WITH_OLDER_FILES.stream()
                    .filter(one -> one.olderFiles().stream().allMatch(exists))
                    .findFirst()
                    .orElse(null);
        }
        boolean unigram = file.path("model").path("type").asText().equals("Unigram");
        return name.isEmpty() && unigram ? WITH_OLDER_FILES.get(0) : AS_WRITTEN;
    }

    /** Names of the files that hold the vocabulary where there is no {@code tokenizer.json}, the main one first. */
    abstract List<String> olderFiles();

    /** A {@code tokenizer.json} of this class with the vocabulary of another; without added tokens. */
    abstract ObjectNode rebuild(Path source, ObjectNode file, ConfigNode config);

    /** A {@code tokenizer.json} from the older files; without added tokens. */
    abstract ObjectNode fromOlderFiles(Path directory, ConfigNode config, Map<String, String> roles) throws IOException;

    /** Special tokens by role where the files name none. */
    Map<String, String> defaultRoles() {
        return Map.of();
    }

    /** Special tokens that have no role. */
    List<String> extraTokens(ConfigNode config, List<String> named) {
        return named;
    }

    /** Whether the added tokens of {@code tokenizer.json} count beside those of {@code tokenizer_config.json}. */
    boolean keepsAddedTokens() {
        return false;
    }

    /** Sets what stands around a text, now that all tokens have ids. */
    void finish(ObjectNode json, ConfigNode config, Map<String, String> roles, Map<String, Integer> ids) {}

    /** The token of a role that this class cannot do without. */
    static String required(String role, ConfigNode config, Map<String, String> roles) {
        String token = roles.get(role);
        if (token == null || token.isEmpty()) {
            throw config.malformed(role, "expected a token, got none");
        }
        return token;
    }

    /**
     * A post-processor that puts tokens around a text.
     *
     * @param before tokens in front of it
     * @param after tokens behind it
     */
    static ObjectNode template(List<String> before, List<String> after, Map<String, Integer> ids) {
        ObjectNode processor = JsonNodeFactory.instance.objectNode().put("type", "TemplateProcessing");
        for (String key : List.of("single", "pair")) {
            ArrayNode template = processor.putArray(key);
            for (int text = 0; text < (key.equals("pair") ? 2 : 1); text++) {
                addTokens(template, before, text);
                template.addObject()
                        .putObject("Sequence")
                        .put("id", text == 0 ? "A" : "B")
                        .put("type_id", text);
                addTokens(template, after, text);
            }
        }
        ObjectNode special = processor.putObject("special_tokens");
        for (List<String> tokens : List.of(before, after)) {
            for (String token : tokens) {
                ObjectNode entry = special.putObject(token).put("id", token);
                entry.putArray("ids").add(ids.get(token));
                entry.putArray("tokens").add(token);
            }
        }
        return processor;
    }

    private static void addTokens(ArrayNode template, List<String> tokens, int text) {
        for (String token : tokens) {
            template.addObject().putObject("SpecialToken").put("id", token).put("type_id", text);
        }
    }

    /** The vocabulary of a model that must be an object of ids. */
    static JsonNode idsByToken(Path source, ObjectNode file) {
        JsonNode vocab = file.path("model").path("vocab");
        if (!vocab.isObject()) {
            throw TokenizerFiles.malformed(
                    source, "model.vocab: expected an object of token ids, got " + vocab.getNodeType());
        }
        return vocab;
    }
}
