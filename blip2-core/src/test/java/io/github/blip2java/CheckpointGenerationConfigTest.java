/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.language.opt.OPTConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CheckpointGenerationConfigTest {
    @TempDir
    Path directory;

    private GenerationConfig read(String json, Object eos) throws IOException {
        if (json != null) {
            Files.writeString(directory.resolve("generation_config.json"), json);
        }
        return CheckpointGenerationConfig.read(directory, OPTConfig.of(ConfigNode.of(Map.of("eos_token_id", eos))));
    }

    @Test
    void endTokensOfBothFilesCount() throws IOException {
        assertThat(read(null, 5).eosTokenIds()).containsExactly(5);
        assertThat(read("{\"eos_token_id\": [9, 2]}", 5).eosTokenIds()).containsExactly(2, 5, 9);
        assertThat(read("{\"eos_token_id\": 3, \"pad_token_id\": 8}", 5).eosTokenIds())
                .containsExactly(3, 5);
        assertThat(read("{\"eos_token_id\": null}", 5).padTokenId()).isOne();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "[1] | generation_config.json: expected a JSON object, got [1]; download it again",
                "{\"eos_token_id\": \"a\"} | generation_config.json: eos_token_id: expected a token id or a list of them, got \"a\"; download it again",
                "{\"eos_token_id\": {}} | generation_config.json: eos_token_id: expected a token id or a list of them, got {}; download it again",
                "{\"eos_token_id\": [2, -1]} | generation_config.json: eos_token_id: expected a token id or a list of them, got [2,-1]; download it again",
            })
    void wrongValuesAreNamed(String json, String message) {
        assertThatThrownBy(() -> read(json.strip(), 5))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage(message.strip());
    }

    @Test
    void wrongEndTokensOfTheModelAreNamed() {
        assertThatThrownBy(() -> read(null, -7))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage(
                        "config.json: eos_token_id: expected a token id or a list of them, got -7; download it again");
    }
}
