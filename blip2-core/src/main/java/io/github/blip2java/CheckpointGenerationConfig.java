/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.internal.config.ConfigNode;
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
        TreeSet<Integer> eos = new TreeSet<>(text.eosTokenIds());
        Integer pad = text.padTokenId();
        Path file = directory.resolve(FILE);
        if (Files.exists(file)) {
            ConfigNode json = ConfigNode.read(file);
            Arrays.stream(json.tokenIds("eos_token_id")).forEach(eos::add);
            OptionalInt padding = json.tokenId("pad_token_id");
            if (pad == null && padding.isPresent()) {
                pad = padding.getAsInt();
            }
        }
        GenerationConfig.Builder builder = GenerationConfig.builder()
                .eosTokenIds(eos.stream().mapToInt(Integer::intValue).toArray());
        if (pad != null) {
            builder.padTokenId(pad);
        }
        return builder.build();
    }
}
