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
                "[1] | generation options: expected a JSON object, got [1]; write {} for the defaults, or for example {\"max_new_tokens\": 30}",
                "3 | generation options: expected a JSON object, got 3; write {} for the defaults",
                "\"{}\" | generation options: expected a JSON object, got \"{}\"; write",
                "null | generation options: expected a JSON object, got null; write",
                " | generation options: expected a JSON object, got nothing; write {} for the defaults",
                "{} {} | generation options: expected a JSON object, got {} {} (Trailing token",
                "{\"max_length\": 5, \"max_length\": 6} | generation options: expected a JSON object, got {\"max_length\": 5, \"max_length\": 6} (Duplicate field 'max_length')",
                "{\"max_new_tokens\": \"30\"} | generation option max_new_tokens: expected a whole number, got \"30\"",
                "{\"max_new_tokens\": true} | generation option max_new_tokens: expected a whole number, got true",
                "{\"max_new_tokens\": [3]} | generation option max_new_tokens: expected a whole number, got [3]",
                "{\"max_length\": 2147483648} | generation option max_length: expected a whole number up to 2147483647, got 2147483648",
                "{\"min_new_tokens\": -1} | minNewTokens: expected 0 or more, got -1",
                "{\"max_length\": 0} | maxLength: expected 1 or more, got 0",
                "{\"min_length\": -1} | minLength: expected 0 or more, got -1",
                "{\"min_length\": 9, \"max_length\": 3} | minLength: expected at most maxLength, 3, got 9",
                "{\"pad_token_id\": -1} | padTokenId: expected 0 or more, got -1",
                "{\"eos_token_id\": [3, -1]} | eosTokenIds: expected 0 or more, got -1",
                "{\"eos_token_id\": [3, \"a\"]} | generation option eos_token_id: expected a whole number, got \"a\"",
                "{\"eos_token_id\": {}} | generation option eos_token_id: expected a whole number, got {}",
                "{\"temperature\": \"x\"} | generation option temperature: expected a number from 0, got \"x\"",
                "{\"temperature\": -1} | generation option temperature: expected a number from 0, got -1",
                "{\"top_p\": 1.5} | generation option top_p: expected a number from 0 to 1, got 1.5",
                "{\"top_k\": 2.5} | generation option top_k: expected a whole number from 0, got 2.5",
                "{\"num_beams\": \"1\"} | generation option num_beams: \"1\" is not supported; supported: max_new_tokens,",
                "{\"do_sample\": \"false\"} | generation option do_sample: \"false\" is not supported; supported: max_new_tokens,",
                "{\"do_sample\": 0} | generation option do_sample: 0 is not supported; supported: max_new_tokens,",
                "{\"repetition_penalty\": 1.2} | generation option repetition_penalty: 1.2 is not supported; supported: max_new_tokens,",
            })
    void wrongOptionsAreNamed(String json, String message) {
        assertThatThrownBy(() -> GenerationConfig.fromJson(json == null ? "" : json.strip()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(message.strip());
    }

    @Test
    void neutralValuesAreAccepted() {
        GenerationConfig config = GenerationConfig.fromJson("{\"num_beams\": 1.0, \"repetition_penalty\": 1,"
                + " \"no_repeat_ngram_size\": 0, \"length_penalty\": 1.0, \"early_stopping\": false, \"use_cache\": true,"
                + " \"num_return_sequences\": 1, \"top_k\": 50, \"top_p\": 0.9, \"min_p\": 0, \"max_length\": 7}");
        assertThat(config.maxLength()).isEqualTo(7);
        assertThatThrownBy(() -> GenerationConfig.fromJson(null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("generation options: expected a JSON object, got nothing; write {}");
    }

    @Test
    void whatIsUnsetComesFromTheDefaults() {
        GenerationConfig defaults = GenerationConfig.builder()
                .maxNewTokens(9)
                .minNewTokens(2)
                .eosTokenIds(4, 5)
                .padTokenId(6)
                .build();
        assertThat(GenerationConfig.defaults().orElse(defaults))
                .usingRecursiveComparison()
                .isEqualTo(defaults);
        GenerationConfig own = GenerationConfig.builder()
                .maxLength(40)
                .minLength(30)
                .eosTokenIds()
                .padTokenId(0)
                .build();
        assertThat(own.orElse(defaults)).usingRecursiveComparison().isEqualTo(own);
        GenerationConfig tooShort = GenerationConfig.builder().maxNewTokens(1).build();
        assertThatThrownBy(() -> tooShort.orElse(defaults))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("minNewTokens: expected at most maxNewTokens, 1, got 2");
    }

    @Test
    void arraysAreNotShared() {
        int[] eos = {4};
        GenerationConfig config = GenerationConfig.builder().eosTokenIds(eos).build();
        eos[0] = 7;
        config.eosTokenIds()[0] = 7;
        assertThat(config.eosTokenIds()).containsExactly(4);
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
