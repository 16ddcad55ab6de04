/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.config.ConfigNode;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.language.LanguageModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;
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
        for (int end : text.eosTokenIds()) {
            if (end < 0) {
                throw new MalformedCheckpointException(
                        directory.resolve("config.json"),
                        "config.json: text_config.eos_token_id: expected token ids from 0, got " + end
                                + "; download it again");
            }
            eos.add(end);
        }
        Integer pad = text.padTokenId();
        Path file = directory.resolve(FILE);
        if (Files.exists(file)) {
<<<<<<< HEAD
            ConfigNode json = ConfigNode.read(file);
            Arrays.stream(json.tokenIds("eos_token_id")).forEach(eos::add);
            OptionalInt padding = json.tokenId("pad_token_id");
            if (pad == null && padding.isPresent()) {
                pad = padding.getAsInt();
=======
            JsonNode json = parse(file);
            JsonNode ends = json.path("eos_token_id");
            if (ends.isArray()) {
                for (JsonNode end : ends) {
                    eos.add(id(file, "eos_token_id", end));
                }
            } else if (!ends.isMissingNode() && !ends.isNull()) {
                eos.add(id(file, "eos_token_id", ends));
            }
            JsonNode padding = json.path("pad_token_id");
            if (pad == null && !padding.isMissingNode() && !padding.isNull()) {
                pad = id(file, "pad_token_id", padding);
>>>>>>> errors
            }
        }
        GenerationConfig.Builder builder = GenerationConfig.builder()
                .eosTokenIds(eos.stream().mapToInt(Integer::intValue).toArray());
        if (pad != null) {
            builder.padTokenId(pad);
        }
        return builder.build();
    }
<<<<<<< HEAD
=======

    private static JsonNode parse(Path file) throws IOException {
        String problem;
        try {
            JsonNode json = new ObjectMapper().readTree(file.toFile());
            if (json.isObject()) {
                return json;
            }
            problem = json.getNodeType().toString();
        } catch (JsonProcessingException e) {
            problem = "a syntax error: " + e.getOriginalMessage();
        }
        throw new MalformedCheckpointException(
                file, FILE + ": expected a JSON object, got " + problem + "; download it again");
    }

    private static int id(Path file, String key, JsonNode value) {
        if (!value.isInt() || value.intValue() < 0) {
            throw new MalformedCheckpointException(
                    file, FILE + ": " + key + ": expected a token id from 0, got " + value + "; download it again");
        }
        return value.intValue();
    }
>>>>>>> errors
}
