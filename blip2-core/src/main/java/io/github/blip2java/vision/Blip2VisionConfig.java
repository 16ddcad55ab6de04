/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.vision;

import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.internal.config.Limits;
import io.github.blip2java.internal.nn.Activation;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Sizes of the image encoder; the defaults are those of ViT-g/14. Reference: {@code Blip2VisionConfig}.
 *
 * @param hiddenSize        width of a position, 1408 by default
 * @param intermediateSize  width inside the MLP, 6144 by default
 * @param numHiddenLayers   layers, 39 by default
 * @param numAttentionHeads heads, 16 by default; divides hiddenSize
 * @param imageSize         side of a picture in pixels, 224 by default
 * @param patchSize         side of a patch in pixels, 14 by default
 * @param hiddenAct         activation in the MLP, {@code gelu} by default
 * @param layerNormEps      added to variances, 1e-6 by default
 * @param attentionDropout  used in training alone, 0 by default
 * @param initializerRange  used in training alone, 1e-10 by default
 * @param qkvBias           whether queries and values have a bias, true by default
 */
public record Blip2VisionConfig(
        int hiddenSize,
        int intermediateSize,
        int numHiddenLayers,
        int numAttentionHeads,
        int imageSize,
        int patchSize,
        String hiddenAct,
        double layerNormEps,
        double attentionDropout,
        double initializerRange,
        boolean qkvBias) {

    /**
     * Reads the object {@code vision_config}.
     *
     * @param json the object; what it leaves out has its default
     * @return the configuration
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a value is impossible
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if a value is possible but not supported
     */
    public static Blip2VisionConfig of(ConfigNode json) {
        Blip2VisionConfig config = new Blip2VisionConfig(
                json.size("hidden_size", 1408, Limits.WIDTH),
                json.size("intermediate_size", 6144, Limits.WIDTH),
                json.size("num_hidden_layers", 39, Limits.LAYERS),
                json.size("num_attention_heads", 16, Limits.HEADS),
                json.side("image_size", 224, Limits.IMAGE_SIDE),
                json.side("patch_size", 14, Limits.IMAGE_SIDE),
                json.oneOf("hidden_act", "gelu", Activation.names()),
                json.number("layer_norm_eps", 1e-6),
                json.number("attention_dropout", 0.0),
                json.number("initializer_range", 1e-10),
                json.flag("qkv_bias", true));
        json.checkHeads("hidden_size", config.hiddenSize, config.numAttentionHeads);
        if (config.patchSize > config.imageSize) {
            throw json.unsupported("patch_size", config.patchSize + " is larger than image_size " + config.imageSize);
        }
        return config;
    }

    /**
     * Gives the values by their JSON keys.
     *
     * @return a new map, ready to be written
     */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("model_type", "blip_2_vision_model");
        map.put("hidden_size", hiddenSize);
        map.put("intermediate_size", intermediateSize);
        map.put("num_hidden_layers", numHiddenLayers);
        map.put("num_attention_heads", numAttentionHeads);
        map.put("image_size", imageSize);
        map.put("patch_size", patchSize);
        map.put("hidden_act", hiddenAct);
        map.put("layer_norm_eps", layerNormEps);
        map.put("attention_dropout", attentionDropout);
        map.put("initializer_range", initializerRange);
        map.put("qkv_bias", qkvBias);
        return map;
    }
}
