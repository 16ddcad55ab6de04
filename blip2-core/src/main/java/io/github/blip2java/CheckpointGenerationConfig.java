/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.language.LanguageModelConfig;
import io.github.blip2java.weights.MalformedCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;

/**
 * The special tokens that config.json and generation_config.json give together.
 *
 * <p>Some published checkpoints name their end token in only one of the two, so both count. Reference: search options of
 * generation_config.json have no effect there either, because the inner language model's own defaults are used.
 */
final class CheckpointGenerationConfig {
    private static final String FILE = "generation_config.json";

    private CheckpointGenerationConfig() {}

    static GenerationConfig read(Path directory, LanguageModelConfig text) throws IOException {
        TreeSet<Integer> eos = new TreeSet<>();
        eos.addAll(text.eosTokenIds());
        Integer pad = text.padTokenId();
        Path file = directory.resolve(FILE);
        if (Files.exists(file)) {
            JsonNode json = parse(file);
            JsonNode ends = json.path("eos_token_id");
            if (ends.isArray()) {
                for (JsonNode end : ends) {
                    eos.add(id(file, "eos_token_id", end));
                }
            } else if (ends.isValueNode() && !ends.isNull()) {
                eos.add(id(file, "eos_token_id", ends));
            }
            JsonNode padding = json.path("pad_token_id");
            if (pad == null && padding.isInt()) {
                pad = padding.intValue();
            }
        }
        GenerationConfig.Builder builder = GenerationConfig.builder()
                .eosTokenIds(eos.stream().mapToInt(Integer::intValue).toArray());
        if (pad != null) {
            builder.padTokenId(pad);
        }
        return builder.build();
    }

    private static JsonNode parse(Path file) throws IOException {
        try {
            return new ObjectMapper().readTree(file.toFile());
        } catch (JsonProcessingException e) {
            throw new MalformedCheckpointException(
                    file, FILE + ": expected a JSON object, got a syntax error: " + e.getOriginalMessage());
        }
    }

    private static int id(Path file, String key, JsonNode value) {
        if (!value.isInt()) {
            throw new MalformedCheckpointException(file, FILE + ": " + key + ": expected a token id, got " + value);
        }
        return value.intValue();
    }
}
