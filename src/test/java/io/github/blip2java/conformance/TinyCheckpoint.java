/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.blip2java.checkpoint.DType;
import io.github.blip2java.checkpoint.SafetensorsWriter;
import io.github.blip2java.checkpoint.SafetensorsWriter.Planned;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;

/** A checkpoint with the tensors that an index names, every width of its configuration made small; weights are random. */
final class TinyCheckpoint {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int VISION = 16;
    private static final int VISION_INNER = 24;
    private static final int IMAGE = 28;
    private static final int PATCH = 14;
    private static final int QUERY = 12;
    private static final int QUERY_INNER = 20;
    private static final int TEXT = 8;
    private static final int TEXT_INNER = 10;
    private static final int HEADS = 2;
    private static final int HEAD = 3;
    private static final int POSITIONS = 100;
    private static final int BUCKETS = 8;

    private TinyCheckpoint() {}

    /**
     * Writes {@code config.json} and the weights into a copy of a folder's other files.
     *
     * @param source a checkpoint folder without weights
     * @param names the tensors, all that the model has
     * @param target where to; made
     */
    static Path write(Path source, Collection<String> names, Path target) throws IOException {
        Resources.copy(source, target);
        Files.deleteIfExists(target.resolve("model.safetensors.index.json"));
        ObjectNode config =
                (ObjectNode) JSON.readTree(source.resolve("config.json").toFile());
        shrink(config);
        Files.write(target.resolve("config.json"), JSON.writeValueAsBytes(config));
        JsonNode text = config.get("text_config");
        int queries = config.path("num_query_tokens").asInt(32);
        int vocab = text.path("vocab_size").asInt(50272);
        List<Planned> tensors = new TreeSet<>(names)
                .stream()
                        .map(name -> new Planned(name, DType.F32, shape(name, queries, vocab)))
                        .toList();
        Random random = new Random(1);
        SafetensorsWriter.write(target, tensors, 200_000, (tensor, file) -> {
            ByteBuffer bytes = ByteBuffer.allocate((int) tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN);
            while (bytes.hasRemaining()) {
                bytes.putFloat((float) random.nextGaussian() / 2);
            }
            SafetensorsWriter.writeFully(file, bytes.flip());
        });
        return target;
    }

    private static void shrink(ObjectNode config) {
        ((ObjectNode) config.get("vision_config"))
                .put("hidden_size", VISION)
                .put("intermediate_size", VISION_INNER)
                .put("num_attention_heads", HEADS)
                .put("image_size", IMAGE)
                .put("patch_size", PATCH);
        ((ObjectNode) config.get("qformer_config"))
                .put("hidden_size", QUERY)
                .put("intermediate_size", QUERY_INNER)
                .put("num_attention_heads", HEADS)
                .put("encoder_hidden_size", VISION);
        ObjectNode text = (ObjectNode) config.get("text_config");
        if (text.path("model_type").asText().equals("t5")) {
            text.put("d_model", TEXT).put("d_ff", TEXT_INNER).put("d_kv", HEAD).put("num_heads", HEADS);
            text.put("relative_attention_num_buckets", BUCKETS);
        } else {
            text.put("hidden_size", TEXT).put("ffn_dim", TEXT_INNER).put("word_embed_proj_dim", TEXT);
            text.put("num_attention_heads", HEADS).put("max_position_embeddings", POSITIONS);
        }
    }

    /** The shape that the architecture gives a tensor. Reference: the constructors of {@code modeling_blip_2.py}. */
    private static long[] shape(String name, int queries, int vocab) {
        boolean bias = name.endsWith(".bias");
        String[] parts = name.split("\\.");
        String layer = parts.length > 1 ? parts[parts.length - 2] : name;
        return switch (parts[0]) {
            case "query_tokens" -> new long[] {1, queries, QUERY};
            case "language_projection" -> matrix(bias, TEXT, QUERY);
            case "vision_model" -> vision(name, layer, bias);
            case "qformer" -> qformer(name, layer, bias);
            default -> language(layer, bias, vocab);
        };
    }

    private static long[] vision(String name, String layer, boolean bias) {
        long patches = (IMAGE / PATCH) * (IMAGE / PATCH);
        if (name.endsWith("class_embedding")) {
            return new long[] {1, 1, VISION};
        }
        if (name.endsWith("position_embedding")) {
            return new long[] {1, patches + 1, VISION};
        }
        return switch (layer) {
            case "patch_embedding" -> bias ? new long[] {VISION} : new long[] {VISION, 3, PATCH, PATCH};
            case "qkv" -> matrix(bias, 3 * VISION, VISION);
            case "projection" -> matrix(bias, VISION, VISION);
            case "fc1" -> matrix(bias, VISION_INNER, VISION);
            case "fc2" -> matrix(bias, VISION, VISION_INNER);
            default -> new long[] {VISION};
        };
    }

    private static long[] qformer(String name, String layer, boolean bias) {
        boolean crossKey = name.contains("crossattention.attention") && !layer.equals("query");
        return switch (layer) {
            case "query", "key", "value" -> matrix(bias, QUERY, crossKey ? VISION : QUERY);
            case "dense" -> {
                boolean up = name.contains("intermediate");
                boolean down = name.contains("output_query") || name.matches(".*layer\\.\\d+\\.output\\.dense.*");
                yield matrix(bias, up ? QUERY_INNER : QUERY, down ? QUERY_INNER : QUERY);
            }
            default -> new long[] {QUERY};
        };
    }

    private static long[] language(String layer, boolean bias, int vocab) {
        return switch (layer) {
            case "shared", "embed_tokens", "lm_head" -> new long[] {vocab, TEXT};
            case "embed_positions" ->
                new long[] {POSITIONS + 2, TEXT}; // Reference: OPT's table begins with 2 unused rows
            case "relative_attention_bias" -> new long[] {BUCKETS, HEADS};
            case "q", "k", "v" -> new long[] {HEADS * HEAD, TEXT};
            case "o" -> new long[] {TEXT, HEADS * HEAD};
            case "wi_0", "wi_1" -> new long[] {TEXT_INNER, TEXT};
            case "wo" -> new long[] {TEXT, TEXT_INNER};
            case "fc1" -> matrix(bias, TEXT_INNER, TEXT);
            case "fc2" -> matrix(bias, TEXT, TEXT_INNER);
            case "q_proj", "k_proj", "v_proj", "out_proj" -> matrix(bias, TEXT, TEXT);
            default -> new long[] {TEXT};
        };
    }

    private static long[] matrix(boolean bias, long out, long in) {
        return bias ? new long[] {out} : new long[] {out, in};
    }
}
