/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerationConfigTest {

    @Test
    void optionsAreReadByTheirHuggingFaceNames() {
        GenerationConfig config =
                GenerationConfig.fromJson("{\"max_new_tokens\": 30, \"min_new_tokens\": 2, \"max_length\": 50,"
                        + " \"min_length\": 3, \"eos_token_id\": [2, 5], \"pad_token_id\": 1, \"num_beams\": 1, \"do_sample\": false,"
                        + " \"temperature\": 0.5, \"repetition_penalty\": 1.0, \"early_stopping\": null}");
        assertThat(config.maxNewTokens()).isEqualTo(30);
        assertThat(config.minNewTokens()).isEqualTo(2);
        assertThat(config.maxLength()).isEqualTo(50);
        assertThat(config.minLength()).isEqualTo(3);
        assertThat(config.eosTokenIds()).containsExactly(2, 5);
        assertThat(config.padTokenId()).isEqualTo(1);
        assertThat(config.toBuilder().build()).usingRecursiveComparison().isEqualTo(config);
        assertThat(GenerationConfig.fromJson("{\"eos_token_id\": 7}").eosTokenIds())
                .containsExactly(7);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{\"num_beams\": 5} | generation option num_beams: 5 is not supported; supported: max_new_tokens,",
                "{\"do_sample\": true} | generation option do_sample: true is not supported; supported: max_new_tokens,",
                "{\"max_new_token\": 5} | generation option max_new_token: 5 is not supported; supported: max_new_tokens,",
                "{\"max_new_tokens\": 1.5} | generation option max_new_tokens: expected a whole number, got 1.5",
                "{\"max_new_tokens\": 0} | maxNewTokens: expected 1 or more, got 0",
                "{\"min_new_tokens\": 9, \"max_new_tokens\": 3} | minNewTokens: expected at most maxNewTokens, 3, got 9",
                "{ | generation options: expected a JSON object, got {",
            })
    void wrongOptionsAreNamed(String json, String message) {
        assertThatThrownBy(() -> GenerationConfig.fromJson(json.strip()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(message.strip());
    }

    @Test
    void lengthsCountAsInTheReference() {
        GenerationConfig nothing = GenerationConfig.defaults();
        assertThat(nothing.maxNewTokensAfter(33, 1000)).isEqualTo(20);
        assertThat(nothing.maxNewTokensAfter(33, 7)).isEqualTo(7);
        GenerationConfig total =
                GenerationConfig.builder().maxLength(40).minLength(36).build();
        assertThat(total.maxNewTokensAfter(33, 1000)).isEqualTo(7);
        assertThat(total.minNewTokensAfter(33)).isEqualTo(3);
        assertThat(total.minNewTokensAfter(50)).isZero();
        GenerationConfig both =
                total.toBuilder().maxNewTokens(9).minNewTokens(1).build();
        assertThat(both.maxNewTokensAfter(33, 1000)).isEqualTo(9);
        assertThat(both.minNewTokensAfter(33)).isEqualTo(1);
    }
}
