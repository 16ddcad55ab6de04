/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.opt;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.internal.config.Limits;
import io.github.blip2java.internal.nn.Activation;
import io.github.blip2java.language.LanguageModelConfig;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Sizes of OPT; the defaults are those of opt-125m. Reference: {@code OPTConfig}.
 *
 * @param vocabSize                  tokens, 50272 by default
 * @param hiddenSize                 width of a position, 768 by default
 * @param numHiddenLayers            layers, 12 by default
 * @param ffnDim                     width inside the feed-forward, 3072 by default
 * @param maxPositionEmbeddings      longest sequence, 2048 by default
 * @param doLayerNormBefore          whether norms come before each sub-layer, true by default; false in opt-350m
 * @param removeFinalLayerNorm       whether the last norm is left out, false by default
 * @param wordEmbedProjDim           width of token embeddings, hiddenSize by default
 * @param numAttentionHeads          heads, 12 by default; divides hiddenSize
 * @param activationFunction         activation in the feed-forward, {@code relu} by default
 * @param enableBias                 whether projections have a bias, true by default
 * @param layerNormElementwiseAffine whether norms have weights, true by default
 * @param tieWordEmbeddings          whether the head is the embedding table, true by default
 * @param bosTokenId                 start of text, 2 by default
 * @param eosTokenIds                ends of text, 2 by default; 50118 in BLIP-2
 * @param padTokenId                 padding, 1 by default; may be null
 */
public record OPTConfig(
        int vocabSize,
        int hiddenSize,
        int numHiddenLayers,
        int ffnDim,
        int maxPositionEmbeddings,
        boolean doLayerNormBefore,
        boolean removeFinalLayerNorm,
        int wordEmbedProjDim,
        int numAttentionHeads,
        String activationFunction,
        boolean enableBias,
        boolean layerNormElementwiseAffine,
        boolean tieWordEmbeddings,
        int bosTokenId,
        List<Integer> eosTokenIds,
        Integer padTokenId)
        implements LanguageModelConfig {

    /**
     * Copies the end tokens.
     *
     * @param vocabSize as above
     * @param hiddenSize as above
     * @param numHiddenLayers as above
     * @param ffnDim as above
     * @param maxPositionEmbeddings as above
     * @param doLayerNormBefore as above
     * @param removeFinalLayerNorm as above
     * @param wordEmbedProjDim as above
     * @param numAttentionHeads as above
     * @param activationFunction as above
     * @param enableBias as above
     * @param layerNormElementwiseAffine as above
     * @param tieWordEmbeddings as above
     * @param bosTokenId as above
     * @param eosTokenIds as above
     * @param padTokenId as above
     */
    public OPTConfig {
        eosTokenIds = List.copyOf(eosTokenIds);
    }

    /**
     * Reads an object {@code text_config} of model type {@code opt}.
     *
     * @param json the object; what it leaves out has its default
     * @return the configuration
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a value is impossible
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if a value is possible but not supported
     */
    public static OPTConfig of(ConfigNode json) {
        int hidden = json.size("hidden_size", 768, Limits.WIDTH);
        OPTConfig config = new OPTConfig(
                json.size("vocab_size", 50272, Limits.VOCAB),
                hidden,
                json.size("num_hidden_layers", 12, Limits.LAYERS),
                json.size("ffn_dim", 3072, Limits.WIDTH),
                json.size("max_position_embeddings", 2048, Limits.POSITIONS),
                json.flag("do_layer_norm_before", true),
                json.flag("_remove_final_layer_norm", false),
                json.size("word_embed_proj_dim", hidden, Limits.WIDTH),
                json.size("num_attention_heads", 12, Limits.HEADS),
                json.oneOf("activation_function", "relu", Activation.names()),
                json.flag("enable_bias", true),
                json.flag("layer_norm_elementwise_affine", true),
                json.flag("tie_word_embeddings", true),
                json.integer("bos_token_id", 2, 0, Integer.MAX_VALUE),
                Arrays.stream(json.tokenIds("eos_token_id", 2)).boxed().toList(),
                json.integer("pad_token_id", 1, 0, Integer.MAX_VALUE));
        json.checkHeads("hidden_size", hidden, config.numAttentionHeads);
        json.checkToken("bos_token_id", config.bosTokenId, config.vocabSize);
        return config;
    }

    @Override
    public String modelType() {
        return "opt";
    }

    @Override
    public boolean isEncoderDecoder() {
        return false;
    }

    @Override
    public int decoderStartTokenId() {
        return bosTokenId;
    }

    @Override
    public OptionalInt maxPositions() {
        return OptionalInt.of(maxPositionEmbeddings);
    }

    @Override
    public long cacheBytesPerPosition() {
        return 2L * numHiddenLayers * hiddenSize * Float.BYTES;
    }

    /** Reference: {@code OPTForCausalLM._tied_weights_keys}. */
    @Override
    public Map<String, List<String>> tiedWeights() {
        return tieWordEmbeddings ? Map.of("model.decoder.embed_tokens.weight", List.of("lm_head.weight")) : Map.of();
    }

    @Override
    public OPTForCausalLM load(WeightScope weights) {
        return new OPTForCausalLM(this, weights);
    }

    @Override
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("model_type", "opt");
        map.put("vocab_size", vocabSize);
        map.put("hidden_size", hiddenSize);
        map.put("num_hidden_layers", numHiddenLayers);
        map.put("ffn_dim", ffnDim);
        map.put("max_position_embeddings", maxPositionEmbeddings);
        map.put("do_layer_norm_before", doLayerNormBefore);
        map.put("_remove_final_layer_norm", removeFinalLayerNorm);
        map.put("word_embed_proj_dim", wordEmbedProjDim);
        map.put("num_attention_heads", numAttentionHeads);
        map.put("activation_function", activationFunction);
        map.put("enable_bias", enableBias);
        map.put("layer_norm_elementwise_affine", layerNormElementwiseAffine);
        map.put("tie_word_embeddings", tieWordEmbeddings);
        map.put("bos_token_id", bosTokenId);
        map.put("eos_token_id", LanguageModelConfig.eosJson(eosTokenIds));
        map.put("pad_token_id", padTokenId);
        return map;
    }
}
