/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.qformer;

import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.internal.config.Limits;
import io.github.blip2java.internal.nn.Activation;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Sizes of the Q-Former. Reference: {@code Blip2QFormerConfig}.
 *
 * @param vocabSize                word pieces of its text input, 30522 by default
 * @param hiddenSize               width of a query, 768 by default
 * @param numHiddenLayers          layers, 12 by default
 * @param numAttentionHeads        heads, 12 by default; divides hiddenSize
 * @param intermediateSize         width inside the feed-forward, 3072 by default
 * @param hiddenAct                its activation, {@code gelu} by default
 * @param hiddenDropoutProb        used in training alone, 0.1 by default
 * @param attentionProbsDropoutProb used in training alone, 0.1 by default
 * @param maxPositionEmbeddings    longest text input, 512 by default
 * @param initializerRange         used in training alone, 0.02 by default
 * @param layerNormEps             added to variances, 1e-12 by default
 * @param padTokenId               padding of its text input, 0 by default
 * @param crossAttentionFrequency  every how many layers the image is looked at, 2 by default
 * @param encoderHiddenSize        width of the image encoder, 1408 by default
 * @param useQformerTextInput      whether it reads text too, false by default
 */
public record Blip2QFormerConfig(
        int vocabSize,
        int hiddenSize,
        int numHiddenLayers,
        int numAttentionHeads,
        int intermediateSize,
        String hiddenAct,
        double hiddenDropoutProb,
        double attentionProbsDropoutProb,
        int maxPositionEmbeddings,
        double initializerRange,
        double layerNormEps,
        int padTokenId,
        int crossAttentionFrequency,
        int encoderHiddenSize,
        boolean useQformerTextInput) {

    /**
     * Reads the object {@code qformer_config}.
     *
     * @param json              the object; what it leaves out has its default
     * @param encoderHiddenSize width of the image encoder, which counts whatever the object says
     * @return the configuration
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a value is impossible
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if a value is possible but not supported
     */
    public static Blip2QFormerConfig of(ConfigNode json, int encoderHiddenSize) {
        if (!json.text("position_embedding_type", "absolute").equals("absolute")) {
            throw json.unsupported(
                    "position_embedding_type",
                    '"' + json.text("position_embedding_type", "") + "\" is not supported; supported: absolute");
        }
        // Published retrieval checkpoints spell the flag without "use_".
        boolean textInput = json.flag("use_qformer_text_input", json.flag("qformer_text_input", false));
        Blip2QFormerConfig config = new Blip2QFormerConfig(
                json.size("vocab_size", 30522, Limits.VOCAB),
                json.size("hidden_size", 768, Limits.WIDTH),
                json.size("num_hidden_layers", 12, Limits.LAYERS),
                json.size("num_attention_heads", 12, Limits.HEADS),
                json.size("intermediate_size", 3072, Limits.WIDTH),
                json.oneOf("hidden_act", "gelu", Activation.names()),
                json.number("hidden_dropout_prob", 0.1),
                json.number("attention_probs_dropout_prob", 0.1),
                json.size("max_position_embeddings", 512, Limits.POSITIONS),
                json.number("initializer_range", 0.02),
                json.number("layer_norm_eps", 1e-12),
                json.integer("pad_token_id", 0, 0, Integer.MAX_VALUE),
                json.size("cross_attention_frequency", 2, Limits.LAYERS),
                encoderHiddenSize,
                textInput);
        json.checkHeads("hidden_size", config.hiddenSize, config.numAttentionHeads);
        return config;
    }

    /**
     * Gives the values by their JSON keys.
     *
     * @return a new map, ready to be written
     */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("model_type", "blip_2_qformer");
        map.put("vocab_size", vocabSize);
        map.put("hidden_size", hiddenSize);
        map.put("num_hidden_layers", numHiddenLayers);
        map.put("num_attention_heads", numAttentionHeads);
        map.put("intermediate_size", intermediateSize);
        map.put("hidden_act", hiddenAct);
        map.put("hidden_dropout_prob", hiddenDropoutProb);
        map.put("attention_probs_dropout_prob", attentionProbsDropoutProb);
        map.put("max_position_embeddings", maxPositionEmbeddings);
        map.put("initializer_range", initializerRange);
        map.put("layer_norm_eps", layerNormEps);
        map.put("pad_token_id", padTokenId);
        map.put("cross_attention_frequency", crossAttentionFrequency);
        map.put("encoder_hidden_size", encoderHiddenSize);
        map.put("use_qformer_text_input", useQformerTextInput);
        return map;
    }
}
