/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerationConfigTest {
    private static final ObjectMapper JSON = new ObjectMapper();

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
        assertThat(config.toBuilder().build()).isEqualTo(config);
        assertThat(GenerationConfig.fromJson("{\"eos_token_id\": 7}").eosTokenIds())
                .containsExactly(7);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{\"max_new_token\": 5} | generation option max_new_token: expected an option of transformers; did you mean max_new_tokens?; the options are constants of GenerationOption",
                "{\"colour\": 5} | generation option colour: expected an option of transformers; the options are constants of GenerationOption",
                "{\"max_new_tokens\": 1.5} | generation option max_new_tokens: expected a whole number from 1 to 2147483647, got 1.5",
                "{\"max_new_tokens\": 0} | generation option max_new_tokens: expected a whole number from 1 to 2147483647, got 0",
                "{\"min_new_tokens\": 9, \"max_new_tokens\": 3} | generation option min_new_tokens: expected at most max_new_tokens, 3, got 9",
                "{ | generation options: expected a JSON object, got {",
                "[1] | generation options: expected a JSON object, got [1]; write {} for the defaults, or for example {\"max_new_tokens\": 30}",
                "3 | generation options: expected a JSON object, got 3; write {} for the defaults",
                "\"{}\" | generation options: expected a JSON object, got \"{}\"; write",
                "null | generation options: expected a JSON object, got null; write",
                " | generation options: expected a JSON object, got nothing; write {} for the defaults",
                "{} {} | generation options: expected a JSON object, got {} {} (Trailing token",
                "{\"max_length\": 5, \"max_length\": 6} | generation options: expected a JSON object, got {\"max_length\": 5, \"max_length\": 6} (Duplicate field 'max_length')",
                "{\"max_new_tokens\": \"30\"} | generation option max_new_tokens: expected a whole number from 1 to 2147483647, got \"30\"",
                "{\"max_new_tokens\": true} | generation option max_new_tokens: expected a whole number from 1 to 2147483647, got true",
                "{\"max_length\": 2147483648} | generation option max_length: expected a whole number from 1 to 2147483647, got 2147483648",
                "{\"min_new_tokens\": -1} | generation option min_new_tokens: expected a whole number from 0 to 2147483647, got -1",
                "{\"min_length\": 9, \"max_length\": 3} | generation option min_length: expected at most max_length, 3, got 9",
                "{\"pad_token_id\": -1} | generation option pad_token_id: expected a whole number from 0 to 2147483647, got -1",
                "{\"eos_token_id\": [3, -1]} | generation option eos_token_id: expected a token id of 0 or more, or a list of ids, got [3,-1]",
                "{\"eos_token_id\": [3, \"a\"]} | generation option eos_token_id: expected a token id of 0 or more, or a list of ids, got [3,\"a\"]",
                "{\"temperature\": \"x\"} | generation option temperature: expected a number above 0, got \"x\"",
                "{\"temperature\": 0} | generation option temperature: expected a number above 0, got 0",
                "{\"top_p\": 1.5} | generation option top_p: expected a number from 0 to 1, got 1.5",
                "{\"top_k\": 2.5} | generation option top_k: expected a whole number from 0 to 2147483647, got 2.5",
                "{\"do_sample\": 0} | generation option do_sample: expected true or false, got 0",
                "{\"early_stopping\": \"soon\"} | generation option early_stopping: expected true, false or \"never\", got \"soon\"",
                "{\"stop_strings\": [\"\"]} | generation option stop_strings: expected a text that is not empty, or a list of such texts, got [\"\"]",
                "{\"bad_words_ids\": [[]]} | generation option bad_words_ids: expected a list of lists of token ids, none of them empty, got [[]]",
                "{\"sequence_bias\": [[5, 1.0]]} | generation option sequence_bias: expected a list of pairs of a list of token ids and a number, such as [[[5, 6], -10.0]], got [[5,1.0]]",
                "{\"exponential_decay_length_penalty\": [5]} | generation option exponential_decay_length_penalty: expected two numbers: new tokens of 0 or more, and a factor above 0, got [5]",
                "{\"watermarking_config\": {\"bais\": 2}} | generation option watermarking_config: expected an object of bias, context_width, greenlist_ratio, hashing_key, seeding_scheme with",
                "{\"token_healing\": true} | generation option token_healing: expected none, got true, which is not supported here; write the prompt so that it ends with a whole word",
                "{\"dola_layers\": \"high\"} | generation option dola_layers: expected none, got \"high\", which is not supported here; it contrasts layers",
                "{\"num_return_sequences\": 2} | num_return_sequences: expected at most num_beams, 1, got 2; raise num_beams, or draw tokens with do_sample and without beams",
                "{\"num_return_sequences\": 3, \"num_beams\": 2, \"do_sample\": true} | num_return_sequences: expected at most num_beams, 2, got 3;",
                "{\"num_beam_groups\": 2, \"num_beams\": 5} | num_beam_groups: expected a divisor of num_beams, 5, no do_sample and no force_words_ids, got 2; choose",
                "{\"diversity_penalty\": 0.5, \"num_beams\": 4} | diversity_penalty: expected num_beam_groups of 2 or more, got 1;",
                "{\"force_words_ids\": [[4]]} | force_words_ids: expected num_beams of 2 or more and no do_sample, got 1 beams; constraints need a beam search",
                "{\"prompt_lookup_num_tokens\": 3, \"num_beams\": 4} | prompt_lookup_num_tokens: expected greedy search or sampling, got BEAM_SEARCH; leave it out",
                "{\"suppress_tokens\": [4, 5], \"forced_eos_token_id\": 4} | forced_eos_token_id: expected a token that suppress_tokens does not hold, got [4];",
                "{\"suppress_tokens\": [4, 5], \"forced_bos_token_id\": 5} | forced_bos_token_id: expected a token that suppress_tokens does not hold, got 5;",
            })
    void wrongOptionsAreNamed(String json, String message) {
        assertThatThrownBy(() -> GenerationConfig.fromJson(json == null ? "" : json.strip()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(message.strip());
    }

    @Test
    void whatChangesNothingIsKeptAndWrittenAgain() throws IOException {
        String json = "{\"num_beams\": 1.0, \"use_cache\": true, \"transformers_version\": \"5.18.0\","
                + " \"token_healing\": false, \"dola_layers\": null, \"max_length\": 7, \"eos_token_id\": [4]}";
        GenerationConfig config = GenerationConfig.fromJson(json);
        assertThat(config.maxLength()).isEqualTo(7);
        assertThat(config.get(GenerationOption.NUM_BEAMS)).isOne();
        assertThat(JSON.readTree(config.toJson()))
                .isEqualTo(JSON.readTree("{\"num_beams\": 1.0, \"use_cache\": true,"
                        + " \"transformers_version\": \"5.18.0\", \"max_length\": 7, \"eos_token_id\": [4]}"));
        JsonNode changed =
                JSON.readTree(config.toBuilder().eosTokenIds(6).build().toJson());
        assertThat(changed.get("eos_token_id").intValue()).isEqualTo(6);
        String list = GenerationConfig.builder()
                .set(GenerationOption.SUPPRESS_TOKENS, List.of(3))
                .build()
                .toJson();
        assertThat(JSON.readTree(list).get("suppress_tokens").isArray()).isTrue();
        assertThat(GenerationConfig.fromJson(config.toJson())).isEqualTo(config).hasSameHashCodeAs(config);
        assertThatThrownBy(() -> GenerationConfig.fromJson(null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("generation options: expected a JSON object, got nothing; write {}");
    }

    @Test
    void anyOptionIsReadWrittenAndReadAgain() {
        String json = "{\"early_stopping\": \"never\", \"stop_strings\": [\".\", \"!\"], \"num_beams\": 4,"
                + " \"bad_words_ids\": [[1, 2], [3]], \"force_words_ids\": [[4, 5], [[6], [7, 8]]],"
                + " \"sequence_bias\": [[[5, 6], -10.0], [[7], 2.5]], \"suppress_tokens\": [1],"
                + " \"exponential_decay_length_penalty\": [3, 1.5], \"watermarking_config\": {\"bias\": 3.0},"
                + " \"max_time\": 2.5, \"seed\": 9000000000, \"num_assistant_tokens_schedule\": \"heuristic\"}";
        GenerationConfig config = GenerationConfig.fromJson(json);
        assertThat(config.mode()).isEqualTo(GenerationMode.CONSTRAINED_BEAM_SEARCH);
        assertThat(config.get(GenerationOption.FORCE_WORDS_IDS))
                .isEqualTo(List.of(List.of(List.of(4, 5)), List.of(List.of(6), List.of(7, 8))));
        assertThat(config.get(GenerationOption.SEQUENCE_BIAS)).isEqualTo(Map.of(List.of(5, 6), -10.0, List.of(7), 2.5));
        assertThat(config.get(GenerationOption.WATERMARKING_CONFIG))
                .isEqualTo(new WatermarkingConfig(0.25, 3, 15485863, "lefthash", 1));
        assertThat(config.get(GenerationOption.EARLY_STOPPING)).isEqualTo(EarlyStopping.NEVER);
        assertThat(GenerationConfig.fromJson(config.toJson())).isEqualTo(config);
        assertThat(config.toBuilder().set(GenerationOption.SEED, null).build()).isNotEqualTo(config);
    }

    @Test
    void optionsSayHowTokensAreChosen() {
        Map<String, GenerationMode> modes = Map.of(
                "{}", GenerationMode.GREEDY_SEARCH,
                "{\"top_k\": 4}", GenerationMode.GREEDY_SEARCH,
                "{\"do_sample\": true}", GenerationMode.SAMPLE,
                "{\"num_beams\": 2}", GenerationMode.BEAM_SEARCH,
                "{\"num_beams\": 2, \"do_sample\": true}", GenerationMode.BEAM_SAMPLE,
                "{\"num_beams\": 2, \"num_beam_groups\": 2}", GenerationMode.GROUP_BEAM_SEARCH,
                "{\"penalty_alpha\": 0.6, \"top_k\": 4}", GenerationMode.CONTRASTIVE_SEARCH,
                "{\"penalty_alpha\": 0.6, \"top_k\": 1}", GenerationMode.GREEDY_SEARCH);
        modes.forEach((json, mode) ->
                assertThat(GenerationConfig.fromJson(json).mode()).as(json).isEqualTo(mode));
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
                .hasMessage("generation option min_new_tokens: expected at most max_new_tokens, 1, got 2");
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
