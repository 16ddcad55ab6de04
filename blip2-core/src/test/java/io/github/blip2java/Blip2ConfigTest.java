/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.checkpoint.MalformedCheckpointException;
import io.github.blip2java.checkpoint.UnsupportedModelException;
import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.language.opt.OPTConfig;
import io.github.blip2java.language.t5.T5Config;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class Blip2ConfigTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path directory;

    private static Blip2Config parse(String json) throws IOException {
        return Blip2Config.of(JSON.readValue(json, new TypeReference<Map<String, Object>>() {}));
    }

    /** {@code config_reference.py} wrote what transformers makes of these. */
    @ParameterizedTest
    @ValueSource(strings = {"defaults", "opt", "flan-t5", "t5-gated-gelu", "t5-gated-silu"})
    void defaultsAndDerivedValuesEqualTransformers(String name) throws IOException {
        JsonNode file = JSON.readTree(getClass().getResourceAsStream("/config/" + name + ".json"));
        Blip2Config config = parse(file.get("given").toString());
        JsonNode ours = JSON.valueToTree(config.toMap());
        int compared = compare("", file.get("expected"), ours);
        assertThat(compared).isGreaterThan(40);
    }

    private static int compare(String path, JsonNode expected, JsonNode ours) {
        int compared = 0;
        for (var fields = expected.fields(); fields.hasNext(); ) {
            var field = fields.next();
            String key = path + field.getKey();
            if (!ours.has(field.getKey()) || key.equals("architectures")) {
                continue;
            }
            if (field.getValue().isObject()) {
                compared += compare(key + ".", field.getValue(), ours.get(field.getKey()));
            } else if (key.equals("text_config.tie_word_embeddings") && ours.has("d_model")) {
                // The reference says true for every T5, whatever was given; scale_decoder_outputs is what counts.
                assertThat(field.getValue().booleanValue()).isTrue();
            } else {
                assertThat(JSON.valueToTree(ours.get(field.getKey())).toString())
                        .as(key)
                        .isEqualTo(field.getValue().toString());
                compared++;
            }
        }
        return compared;
    }

    @Test
    void writingAndReadingKeepsEverythingAlsoWhatIsNotUnderstood() throws IOException {
        Blip2Config config = parse("{\"image_token_id\": 7, \"new_key\": [1], \"text_config\": {\"model_type\": \"t5\","
                + " \"dropout_rate\": 0.3, \"eos_token_id\": [1, 5]}, \"vision_config\": {\"projection_dim\": 512}}");
        config.savePretrained(directory.resolve("made"));
        JsonNode written = JSON.readTree(directory.resolve("made/config.json").toFile());
        assertThat(written.at("/text_config/dropout_rate").doubleValue()).isEqualTo(0.3);
        assertThat(written.at("/vision_config/projection_dim").intValue()).isEqualTo(512);
        assertThat(written.get("new_key").toString()).isEqualTo("[1]");
        assertThat(written.get("image_token_index").intValue()).isEqualTo(7);
        assertThat(written.has("image_token_id")).isFalse();
        Blip2Config again = Blip2Config.fromPretrained(directory.resolve("made"));
        assertThat(JSON.valueToTree(again.toMap()).toString())
                .isEqualTo(JSON.valueToTree(config.toMap()).toString());
    }

    @Test
    void configurationsFromOneFileAreEqualAndShareNothing() throws IOException {
        for (String text : new String[] {
            "{\"model_type\": \"t5\", \"eos_token_id\": [1, 5]}", "{\"model_type\": \"opt\", \"eos_token_id\": 50118}"
        }) {
            String json = "{\"image_token_index\": 7, \"list\": [1, null, {\"a\": []}], \"text_config\": " + text + "}";
            Files.writeString(directory.resolve("config.json"), json);
            Blip2Config config = Blip2Config.fromPretrained(directory);
            Blip2Config again = Blip2Config.fromPretrained(directory);
            assertThat(config).isEqualTo(again).hasSameHashCodeAs(again);
            assertThat(config)
                    .isNotEqualTo(parse(json.replace("\"image_token_index\": 7", "\"image_token_index\": 8")));
            assertThatThrownBy(() -> config.source().put("list", 3)).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> ((List<?>) config.source().get("list")).remove(0))
                    .isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> ((Map<?, ?>) config.source().get("text_config")).clear())
                    .isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> config.textConfig().eosTokenIds().set(0, 3))
                    .isInstanceOf(UnsupportedOperationException.class);
            config.toMap().put("list", 3);
            assertThat(config).isEqualTo(again);
        }
    }

    @Test
    void partsArePutTogether() throws IOException {
        Blip2Config small = parse("{\"vision_config\": {\"hidden_size\": 64, \"num_attention_heads\": 4},"
                + " \"qformer_config\": {\"hidden_size\": 24, \"encoder_hidden_size\": 9999}}");
        Blip2Config config = Blip2Config.fromVisionQFormerTextConfigs(
                small.visionConfig(), small.qformerConfig(), T5Config.of(ConfigNode.of(Map.of())));
        assertThat(config.qformerConfig().encoderHiddenSize()).isEqualTo(64);
        assertThat(config.textConfig().isEncoderDecoder()).isTrue();
        assertThat(config.imageTokenIndex()).isEmpty();
        assertThat(config.withImageTokenIndex(3).withNumQueryTokens(8))
                .satisfies(changed -> assertThat(changed.imageTokenIndex()).isEqualTo(OptionalInt.of(3)))
                .satisfies(changed -> assertThat(changed.numQueryTokens()).isEqualTo(8));
    }

    @Test
    void bothSpellingsAndNullsAreUnderstood() throws IOException {
        assertThat(parse("{\"image_token_index\": 5}").imageTokenIndex()).hasValue(5);
        assertThat(parse("{\"image_token_id\": 6}").imageTokenIndex()).hasValue(6);
        assertThat(parse("{\"image_token_index\": null}").imageTokenIndex()).isEmpty();
        assertThat(parse("{\"qformer_config\": {\"qformer_text_input\": true}}")
                        .qformerConfig()
                        .useQformerTextInput())
                .isTrue();
        assertThat(parse("{\"text_config\": null}").textConfig()).isInstanceOf(OPTConfig.class);
        assertThat(parse("{\"vision_config\": {\"image_size\": [364, 364]}}")
                        .visionConfig()
                        .imageSize())
                .isEqualTo(364);
    }

    @Test
    void variantsOfPublishedFilesAreRead() throws IOException {
        Blip2Config config = parse("""
                {"num_query_tokens": null, "qformer_config": {"qformer_text_input": true},
                 "vision_config": {"layer_norm_eps": 1e-05}, "text_config": {"model_type": "opt"}}
                """);
        assertThat(config.imageTokenIndex()).isEmpty();
        assertThat(config.numQueryTokens()).isEqualTo(32);
        assertThat(config.qformerConfig().useQformerTextInput()).isTrue();
        assertThat(config.visionConfig().layerNormEps()).isEqualTo(1e-5);
        assertThat(config.textConfig().vocabSize()).isEqualTo(50272);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{\"num_query_tokens\": \"x\"} | config.json: num_query_tokens: expected a whole number from 1 to 4096, got \"x\"; download it again",
                "{\"vision_config\": {\"hidden_size\": -3}} | config.json: vision_config.hidden_size: expected a whole number from 1 to 262144, got -3; download it again",
                "{\"vision_config\": {\"hidden_size\": 100}} | config.json: vision_config.hidden_size: expected a multiple of the 16 attention heads, got 100; download it again",
                "{\"vision_config\": 3} | config.json: vision_config: expected an object, got 3; download it again",
                "{\"vision_config\": {\"layer_norm_eps\": \"small\"}} | config.json: vision_config.layer_norm_eps: expected a number from 0, got \"small\"; download it again",
                "{\"vision_config\": {\"qkv_bias\": 1}} | config.json: vision_config.qkv_bias: expected true or false, got 1; download it again",
                "{\"text_config\": {\"eos_token_id\": \"a\"}} | config.json: text_config.eos_token_id: expected a token id or a list of them, got \"a\"; download it again",
                "{\"model_type\": 1} | config.json: model_type: expected a text, got 1; download it again",
                "{\"vision_config\": {\"hidden_size\": 1000000000}} | config.json: vision_config.hidden_size: expected a whole number from 1 to 262144, got 1000000000; download it again",
                "{\"vision_config\": {\"image_size\": 1000000}} | config.json: vision_config.image_size: expected a whole number from 1 to 4096, got 1000000; download it again",
                "{\"vision_config\": {\"image_size\": [5000, 5000]}} | config.json: vision_config.image_size: expected a whole number from 1 to 4096, or two of them, got [5000,5000]; download it again",
                "{\"vision_config\": {\"num_hidden_layers\": 2000000000}} | config.json: vision_config.num_hidden_layers: expected a whole number from 1 to 1000, got 2000000000; download it again",
                "{\"qformer_config\": {\"num_attention_heads\": 4096}} | config.json: qformer_config.num_attention_heads: expected a whole number from 1 to 1024, got 4096; download it again",
                "{\"text_config\": {\"vocab_size\": 2147483647}} | config.json: text_config.vocab_size: expected a whole number from 1 to 16777216, got 2147483647; download it again",
                "{\"text_config\": {\"vocab_size\": 2147483648}} | config.json: text_config.vocab_size: expected a whole number from 1 to 16777216, got 2147483648; download it again",
                "{\"text_config\": {\"max_position_embeddings\": 10000000}} | config.json: text_config.max_position_embeddings: expected a whole number from 1 to 1048576, got 10000000; download it again",
                "{\"text_config\": {\"bos_token_id\": 60000}} | config.json: text_config.bos_token_id: expected a token id below vocab_size 50272, got 60000; download it again",
                "{\"text_config\": {\"eos_token_id\": [2, -5]}} | config.json: text_config.eos_token_id: expected a token id or a list of them, got [2,-5]; download it again",
                "{\"text_config\": {\"model_type\": \"t5\", \"decoder_start_token_id\": 40000}} | config.json: text_config.decoder_start_token_id: expected a token id below vocab_size 32128, got 40000; download it again",
                "{\"initializer_range\": 1e999} | config.json: initializer_range: expected a number from 0, got \"Infinity\"; download it again",
            })
    void impossibleValuesAreNamed(String json, String message) {
        assertThatThrownBy(() -> parse(json.strip()))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage(message.strip());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{\"model_type\": \"llava\"} | config.json: model_type \"llava\" is not supported; supported: blip-2",
                "{\"text_config\": {\"model_type\": \"llama\"}} | config.json: text_config.model_type \"llama\" is not supported; supported: opt, t5",
                "{\"vision_config\": {\"hidden_act\": \"mish\"}} | config.json: vision_config.hidden_act \"mish\" is not supported; supported: gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu, silu",
                "{\"vision_config\": {\"image_size\": [224, 448]}} | config.json: vision_config.image_size [224,448] is not supported; supported: square pictures",
                "{\"vision_config\": {\"patch_size\": 300}} | config.json: vision_config.patch_size 300 is larger than image_size 224",
                "{\"qformer_config\": {\"position_embedding_type\": \"relative_key\"}} | config.json: qformer_config.position_embedding_type \"relative_key\" is not supported; supported: absolute",
                "{\"image_token_index\": 50272} | config.json: image_token_index 50272 is outside the vocabulary of 50272 tokens; the embedding table must be resized before use",
            })
    void whatIsNotSupportedIsNamed(String json, String message) {
        assertThatThrownBy(() -> parse(json.strip()))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage(message.strip());
    }

    @Test
    void filesThatAreMissingOrNoJsonAreNamed() throws IOException {
        assertThatThrownBy(() -> Blip2Config.fromPretrained(directory))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(
                        directory.resolve("config.json") + ": expected a configuration file, found none; pass a folder"
                                + " downloaded from the Hugging Face Hub");
        Files.writeString(directory.resolve("config.json"), "{\"a\": ");
        assertThatThrownBy(() -> Blip2Config.fromPretrained(directory))
                .isInstanceOf(MalformedCheckpointException.class)
                .hasMessage("config.json, line 1, column 7: expected JSON, got a syntax error: Unexpected end-of-input"
                        + " within/between Object entries; download it again");
        Files.writeString(directory.resolve("config.json"), "[1]");
        assertThatThrownBy(() -> Blip2Config.fromPretrained(directory))
                .hasMessage("config.json: expected a JSON object, got [1]; download it again");
    }
}
