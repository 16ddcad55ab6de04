/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.TestFiles;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.language.opt.OPTConfig;
import io.github.blip2java.language.t5.T5Config;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** An OPT and a T5 of random weights, so small that a test can run every step of them twice. */
final class TinyLanguageModels {
    private static final int VOCAB = 40;

    private final Map<String, float[]> tensors = new LinkedHashMap<>();
    private final Map<String, long[]> shapes = new LinkedHashMap<>();
    private final Random random = new Random(7);

    private TinyLanguageModels() {}

    static LanguageModel opt(Path directory) throws IOException {
        int hidden = 16;
        int inner = 24;
        OPTConfig config = OPTConfig.of(ConfigNode.of(Map.of(
                "vocab_size",
                VOCAB,
                "hidden_size",
                hidden,
                "ffn_dim",
                inner,
                "num_hidden_layers",
                2,
                "num_attention_heads",
                2,
                "max_position_embeddings",
                64)));
        TinyLanguageModels weights = new TinyLanguageModels();
        weights.matrix("model.decoder.embed_tokens", VOCAB, hidden);
        weights.matrix("model.decoder.embed_positions", 66, hidden);
        for (int layer = 0; layer < 2; layer++) {
            String prefix = "model.decoder.layers." + layer + ".";
            for (String name : new String[] {"q_proj", "k_proj", "v_proj", "out_proj"}) {
                weights.linear(prefix + "self_attn." + name, hidden, hidden);
            }
            weights.norm(prefix + "self_attn_layer_norm", hidden);
            weights.linear(prefix + "fc1", inner, hidden);
            weights.linear(prefix + "fc2", hidden, inner);
            weights.norm(prefix + "final_layer_norm", hidden);
        }
        weights.norm("model.decoder.final_layer_norm", hidden);
        return weights.load(config, directory);
    }

    static LanguageModel t5(Path directory) throws IOException {
        int hidden = 16;
        int inner = 24;
        T5Config config = T5Config.of(ConfigNode.of(Map.of(
                "vocab_size", VOCAB,
                "d_model", hidden,
                "d_kv", 6,
                "d_ff", inner,
                "num_layers", 2,
                "num_heads", 3,
                "feed_forward_proj", "gated-gelu",
                "relative_attention_num_buckets", 8,
                "relative_attention_max_distance", 20,
                "decoder_start_token_id", 3)));
        TinyLanguageModels weights = new TinyLanguageModels();
        weights.matrix("shared", VOCAB, hidden);
        weights.stack("encoder", hidden, inner, "SelfAttention");
        weights.stack("decoder", hidden, inner, "SelfAttention", "EncDecAttention");
        weights.matrix("lm_head", VOCAB, hidden);
        return weights.load(config, directory);
    }

    private void stack(String stack, int hidden, int inner, String... attentions) {
        for (int block = 0; block < 2; block++) {
            String prefix = stack + ".block." + block + ".layer.";
            for (int i = 0; i < attentions.length; i++) {
                for (String name : new String[] {"q", "k", "v"}) {
                    matrix(prefix + i + "." + attentions[i] + "." + name, 18, hidden);
                }
                matrix(prefix + i + "." + attentions[i] + ".o", hidden, 18);
                add(prefix + i + ".layer_norm.weight", 1, 0.1, hidden);
            }
            if (block == 0) {
                matrix(prefix + "0.SelfAttention.relative_attention_bias", 8, 3);
            }
            String last = prefix + attentions.length;
            matrix(last + ".DenseReluDense.wi_0", inner, hidden);
            matrix(last + ".DenseReluDense.wi_1", inner, hidden);
            matrix(last + ".DenseReluDense.wo", hidden, inner);
            add(last + ".layer_norm.weight", 1, 0.1, hidden);
        }
        add(stack + ".final_layer_norm.weight", 1, 0.1, hidden);
    }

    private void linear(String name, int out, int in) {
        matrix(name, out, in);
        add(name + ".bias", 0, 0.1, out);
    }

    private void norm(String name, int width) {
        add(name + ".weight", 1, 0.1, width);
        add(name + ".bias", 0, 0.1, width);
    }

    private void matrix(String name, int out, int in) {
        add(name + ".weight", 0, 0.3, out, in);
    }

    private void add(String name, double mean, double deviation, long... shape) {
        float[] values = new float[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (mean + deviation * random.nextGaussian());
        }
        tensors.put(name, values);
        shapes.put(name, shape);
    }

    private LanguageModel load(LanguageModelConfig config, Path directory) throws IOException {
        TestFiles.floats(directory.resolve("model.safetensors"), tensors, shapes);
        return config.load(Checkpoint.open(directory).root(WeightFormat.AUTO));
    }
}
