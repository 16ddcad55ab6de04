/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.github.blip2java.checkpoint.CheckpointFolder;
import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.internal.config.Limits;
import io.github.blip2java.internal.quantization.Quantizer;
import io.github.blip2java.language.LanguageModelConfig;
import io.github.blip2java.language.opt.OPTConfig;
import io.github.blip2java.language.t5.T5Config;
import io.github.blip2java.qformer.Blip2QFormerConfig;
import io.github.blip2java.vision.Blip2VisionConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * The configuration of a whole model, as in {@code config.json}. Reference: {@code Blip2Config}.
 *
 * @param visionConfig        sizes of the image encoder
 * @param qformerConfig       sizes of the Q-Former
 * @param textConfig          sizes of the language model
 * @param numQueryTokens      learned queries, 32 by default
 * @param imageTextHiddenSize width of the retrieval space, 256 by default
 * @param imageTokenIndex     the id that marks where an image goes; empty in the older layout, where images go first
 * @param initializerFactor   used in training alone, 1 by default
 * @param initializerRange    used in training alone, 0.02 by default
 * @param source              the JSON object it was read from, whose other keys are written back; may be empty;
 *                            unmodifiable
 */
public record Blip2Config(
        Blip2VisionConfig visionConfig,
        Blip2QFormerConfig qformerConfig,
        LanguageModelConfig textConfig,
        int numQueryTokens,
        int imageTextHiddenSize,
        OptionalInt imageTokenIndex,
        double initializerFactor,
        double initializerRange,
        Map<String, Object> source) {
    private static final String FILE = "config.json";
    private static final String LANGUAGE_MODEL = "language_model.";

    /**
     * Copies the source with all that is in it.
     *
     * @param visionConfig as above
     * @param qformerConfig as above
     * @param textConfig as above
     * @param numQueryTokens as above
     * @param imageTextHiddenSize as above
     * @param imageTokenIndex as above
     * @param initializerFactor as above
     * @param initializerRange as above
     * @param source as above
     */
    public Blip2Config {
        source = unmodifiable(source);
    }

    private static Map<String, Object> unmodifiable(Map<?, ?> map) {
        Map<String, Object> copy = new LinkedHashMap<>();
        map.forEach((key, value) -> copy.put((String) key, unmodifiable(value)));
        return Collections.unmodifiableMap(copy);
    }

    /** A JSON value; lists may hold nulls, so that {@code List.copyOf} will not do. */
    private static Object unmodifiable(Object value) {
        if (value instanceof Map<?, ?> map) {
            return unmodifiable(map);
        }
        return value instanceof List<?> list
                ? Collections.unmodifiableList(
                        list.stream().map(Blip2Config::unmodifiable).collect(Collectors.toList()))
                : value;
    }

    /**
     * Reads {@code config.json} of a checkpoint folder.
     *
     * @param directory the folder
     * @return the configuration
     * @throws IOException if the file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if it is no JSON object or a value is impossible
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if it describes another kind of model
     */
    public static Blip2Config fromPretrained(Path directory) throws IOException {
        return read(CheckpointFolder.resolve(directory).resolve(FILE));
    }

    /**
     * Reads a configuration file.
     *
     * @param file a JSON file
     * @return the configuration
     * @throws IOException if the file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if it is no JSON object or a value is impossible
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if it describes another kind of model
     */
    public static Blip2Config read(Path file) throws IOException {
        return of(ConfigNode.read(file));
    }

    /**
     * Reads a configuration object.
     *
     * @param json the object, as Jackson reads it into a map; what it leaves out has its default
     * @return the configuration
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a value is impossible
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if it describes another kind of model
     */
    public static Blip2Config of(Map<String, Object> json) {
        return of(ConfigNode.of(json));
    }

    private static Blip2Config of(ConfigNode json) {
        String type = json.text("model_type", "blip-2");
        if (!type.equals("blip-2") && !type.equals("blip_2")) {
            throw json.unsupported("model_type", '"' + type + "\" is not supported; supported: blip-2");
        }
        ConfigNode quantization = json.object(Quantizer.CONFIG_KEY);
        String method = quantization.text("quant_method", Quantizer.METHOD);
        if (!method.equals(Quantizer.METHOD)) {
            throw quantization.unsupported(
                    "quant_method",
                    '"' + method + "\" is not supported; supported: " + Quantizer.METHOD
                            + ". Take the checkpoint that this one was made from");
        }
        Blip2VisionConfig vision = Blip2VisionConfig.of(json.object("vision_config"));
        // Both spellings are in use; the older one is what published checkpoints have.
        OptionalInt imageToken = json.tokenId(json.has("image_token_index") ? "image_token_index" : "image_token_id");
        LanguageModelConfig text = textConfig(json.object("text_config"));
        Blip2QFormerConfig qformer = Blip2QFormerConfig.of(json.object("qformer_config"), vision.hiddenSize());
        // A Q-Former that reads texts looks no image ids up, and the language model beside it is none.
        if (!qformer.useQformerTextInput() && imageToken.isPresent() && imageToken.getAsInt() >= text.vocabSize()) {
            throw json.unsupported(
                    "image_token_index",
                    imageToken.getAsInt() + " is outside the vocabulary of " + text.vocabSize()
                            + " tokens; the embedding table must be resized before use");
        }
        return new Blip2Config(
                vision,
                qformer,
                text,
                json.size("num_query_tokens", 32, Limits.QUERIES),
                json.size("image_text_hidden_size", 256, Limits.WIDTH),
                imageToken,
                json.number("initializer_factor", 1.0),
                json.number("initializer_range", 0.02),
                json.toMap());
    }

    private static LanguageModelConfig textConfig(ConfigNode json) {
        String type = json.text("model_type", "opt");
        return switch (type) {
            case "opt" -> OPTConfig.of(json);
            case "t5" -> T5Config.of(json);
            default -> throw json.unsupported("model_type", '"' + type + "\" is not supported; supported: opt, t5");
        };
    }

    /**
     * Puts three configurations together, with the defaults for the rest.
     *
     * @param vision  the image encoder
     * @param qformer the Q-Former; its encoderHiddenSize becomes the image encoder's width
     * @param text    the language model
     * @return the configuration
     */
    public static Blip2Config fromVisionQFormerTextConfigs(
            Blip2VisionConfig vision, Blip2QFormerConfig qformer, LanguageModelConfig text) {
        Blip2QFormerConfig joined = Blip2QFormerConfig.of(ConfigNode.of(qformer.toMap()), vision.hiddenSize());
        return new Blip2Config(vision, joined, text, 32, 256, OptionalInt.empty(), 1.0, 0.02, Map.of());
    }

    /**
     * Changes the image token.
     *
     * @param id the id that marks where an image goes
     * @return a new configuration
     */
    public Blip2Config withImageTokenIndex(int id) {
        return new Blip2Config(
                visionConfig,
                qformerConfig,
                textConfig,
                numQueryTokens,
                imageTextHiddenSize,
                OptionalInt.of(id),
                initializerFactor,
                initializerRange,
                source);
    }

    /**
     * Changes the number of queries.
     *
     * @param queries 1 or more
     * @return a new configuration
     */
    public Blip2Config withNumQueryTokens(int queries) {
        return new Blip2Config(
                visionConfig,
                qformerConfig,
                textConfig,
                queries,
                imageTextHiddenSize,
                imageTokenIndex,
                initializerFactor,
                initializerRange,
                source);
    }

    /**
     * The tables that go by several names, as {@link io.github.blip2java.checkpoint.Checkpoint#open(Path, Map)} takes them.
     *
     * @return full names, each with the others
     */
    public Map<String, List<String>> tiedWeights() {
        Map<String, List<String>> tied = new LinkedHashMap<>();
        textConfig
                .tiedWeights()
                .forEach((name, others) -> tied.put(
                        LANGUAGE_MODEL + name,
                        others.stream().map(LANGUAGE_MODEL::concat).toList()));
        return tied;
    }

    /**
     * Gives the values by their JSON keys.
     *
     * @return a new map, ready to be written
     */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("architectures", List.of("Blip2ForConditionalGeneration"));
        map.putAll(source);
        map.put("model_type", "blip-2");
        map.put("vision_config", over("vision_config", visionConfig.toMap()));
        map.put("qformer_config", over("qformer_config", qformerConfig.toMap()));
        map.put("text_config", over("text_config", textConfig.toMap()));
        map.put("num_query_tokens", numQueryTokens);
        map.put("image_text_hidden_size", imageTextHiddenSize);
        map.remove("image_token_id"); // the other spelling of the next key
        map.put("image_token_index", imageTokenIndex.isPresent() ? imageTokenIndex.getAsInt() : null);
        map.put("initializer_factor", initializerFactor);
        map.put("initializer_range", initializerRange);
        return map;
    }

    /** Values of ours over the object they were read from. */
    private Map<String, Object> over(String key, Map<String, Object> ours) {
        Map<String, Object> merged = new LinkedHashMap<>();
        if (source.get(key) instanceof Map<?, ?> read) {
            read.forEach((name, value) -> merged.put((String) name, value));
        }
        merged.putAll(ours);
        return merged;
    }

    /**
     * Writes {@code config.json} into a folder.
     *
     * @param directory the folder; made if it is not there
     * @throws IOException if it cannot be written
     */
    public void savePretrained(Path directory) throws IOException {
        Files.createDirectories(directory);
        ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
        Files.write(directory.resolve(FILE), mapper.writeValueAsBytes(toMap()));
    }
}
