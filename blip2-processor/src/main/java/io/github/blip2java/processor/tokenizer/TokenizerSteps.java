/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.blip2java.checkpoint.CheckpointFile;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The steps of a {@code tokenizer.json}, checked before the native library gets them.
 *
 * <p>What the library does not check when it reads a file ends the whole process when a text comes: a piece of length zero, a
 * template with a token that it does not define, a pattern that gives up. So only steps pass of which that is known not to
 * happen; they include all of the published checkpoints.
 */
final class TokenizerSteps {

    private static final String TYPE = "type";
    private static final String TEMPLATE = "TemplateProcessing";
    private static final String PRECOMPILED = "Precompiled";
    private static final String SEQUENCE = "Sequence";

    /** Sections, the key of a sequence's steps in each, and the types that pass. */
    private static final Map<String, List<String>> SECTIONS = Map.of(
            "normalizer",
                    List.of(
                            "normalizers",
                            SEQUENCE,
                            PRECOMPILED,
                            "Replace",
                            "NFC",
                            "NFD",
                            "NFKC",
                            "NFKD",
                            "Nmt",
                            "Lowercase",
                            "Strip",
                            "StripAccents",
                            "Prepend",
                            "ByteLevel",
                            "BertNormalizer"),
            "pre_tokenizer",
                    List.of(
                            "pretokenizers",
                            SEQUENCE,
                            "ByteLevel",
                            "Metaspace",
                            "Whitespace",
                            "WhitespaceSplit",
                            "BertPreTokenizer",
                            "Punctuation",
                            "Digits",
                            "Split",
                            "CharDelimiterSplit",
                            "UnicodeScripts"),
            "post_processor",
                    List.of("processors", SEQUENCE, TEMPLATE, "ByteLevel", "BertProcessing", "RobertaProcessing"),
            "decoder",
                    List.of(
                            "decoders",
                            SEQUENCE,
                            "ByteLevel",
                            "Metaspace",
                            "WordPiece",
                            "BPEDecoder",
                            "Fuse",
                            "ByteFallback",
                            "Replace"));

    /** One repetition, and none of a group: such a pattern needs no second look at a character. */
    private static final Pattern SIMPLE_REGEX = Pattern.compile("[^()|*+?{]*([*+?]|\\{[0-9,]*})?[^()|*+?{]*");

    private final Path source;

    private TokenizerSteps(Path source) {
        this.source = source;
    }

    static void check(Path source, JsonNode json) {
        TokenizerSteps steps = new TokenizerSteps(source);
        SECTIONS.forEach((section, known) -> steps.checkStep(section, json.path(section), known));
        JsonNode model = json.path("model");
        JsonNode prefix = model.path("continuing_subword_prefix");
        if (model.path(TYPE).asText().equals("BPE") && !prefix.asText("").isEmpty() && !prefix.isNull()) {
            throw steps.unsupported("model.continuing_subword_prefix", prefix, "none, for BPE");
        }
    }

    private void checkStep(String section, JsonNode step, List<String> known) {
        if (step.isMissingNode() || step.isNull()) {
            return;
        }
        String type = step.path(TYPE).asText();
        Set<String> types = new TreeSet<>(known.subList(1, known.size()));
        if (!types.contains(type)) {
            throw unsupported(section + ".type", step.path(TYPE), String.join(", ", types));
        }
        switch (type) {
            case SEQUENCE -> step.path(known.get(0)).forEach(child -> checkStep(section, child, known));
            case PRECOMPILED -> CharacterMap.check(source, base64(step.path("precompiled_charsmap")));
            case TEMPLATE -> {
                checkTemplate(step, "single", Set.of("A"));
                checkTemplate(step, "pair", Set.of("A", "B"));
            }
            default -> {
                JsonNode regex = step.path("pattern").path("Regex");
                if (regex.isTextual()
                        && !SIMPLE_REGEX.matcher(regex.textValue()).matches()) {
                    throw unsupported(section + ".pattern", regex, "patterns without groups, with one repetition");
                }
            }
        }
    }

    private void checkTemplate(JsonNode step, String key, Set<String> texts) {
        for (JsonNode part : step.path(key)) {
            JsonNode text = part.at("/Sequence/id");
            JsonNode token = part.at("/SpecialToken/id");
            boolean known = text.isTextual()
                    ? texts.contains(text.textValue())
                    : token.isTextual() && step.path("special_tokens").has(token.textValue());
            if (!known) {
                throw TokenizerFiles.malformed(
                        source,
                        "post_processor." + key + ": expected texts " + new TreeSet<>(texts)
                                + " and tokens that special_tokens has, got " + CheckpointFile.shown(part));
            }
        }
    }

    private byte[] base64(JsonNode text) {
        try {
            return Base64.getDecoder().decode(text.asText());
        } catch (IllegalArgumentException e) {
            throw TokenizerFiles.malformed(source, "precompiled_charsmap: expected base64, got other characters");
        }
    }

    private UnsupportedModelException unsupported(String what, JsonNode got, String supported) {
        return new UnsupportedModelException(source.getFileName() + ": " + what + " " + CheckpointFile.shown(got)
                + " is not supported; supported: " + supported);
    }
}
