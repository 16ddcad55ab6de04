/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language.t5;

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
 * Sizes of T5; the defaults are those of t5-small. Reference: {@code T5Config}.
 *
 * @param vocabSize                    tokens, 32128 by default
 * @param dModel                       width of a position, 512 by default
 * @param dKv                          width of a head, 64 by default; heads · dKv need not be dModel
 * @param dFf                          width inside the feed-forward, 2048 by default
 * @param numLayers                    encoder layers, 6 by default
 * @param numDecoderLayers             decoder layers, numLayers by default
 * @param numHeads                     heads, 8 by default
 * @param relativeAttentionNumBuckets  buckets of distances, 32 by default
 * @param relativeAttentionMaxDistance distance from which all fall into the last bucket, 128 by default
 * @param layerNormEpsilon             added to mean squares, 1e-6 by default
 * @param feedForwardProj              {@code relu} by default, or for example {@code gated-gelu}
 * @param denseActFn                   the activation itself; from feedForwardProj where it is not given
 * @param scaleDecoderOutputs          whether the head's input is scaled by 1/√dModel; as tieWordEmbeddings by default
 * @param tieWordEmbeddings            true by default; no guide to what the weights hold
 * @param bosTokenId                   start of text, eosTokenIds' first by default
 * @param eosTokenIds                  ends of text, 1 by default
 * @param padTokenId                   padding, 0 by default; may be null
 * @param decoderStartTokenId          what the decoder starts with, 0 by default
 */
public record T5Config(
        int vocabSize,
        int dModel,
        int dKv,
        int dFf,
        int numLayers,
        int numDecoderLayers,
        int numHeads,
        int relativeAttentionNumBuckets,
        int relativeAttentionMaxDistance,
        double layerNormEpsilon,
        String feedForwardProj,
        String denseActFn,
        boolean scaleDecoderOutputs,
        boolean tieWordEmbeddings,
        int bosTokenId,
        List<Integer> eosTokenIds,
        Integer padTokenId,
        int decoderStartTokenId)
        implements LanguageModelConfig {
    private static final String GATED = "gated-";

    /**
     * Copies the end tokens.
     *
     * @param vocabSize as above
     * @param dModel as above
     * @param dKv as above
     * @param dFf as above
     * @param numLayers as above
     * @param numDecoderLayers as above
     * @param numHeads as above
     * @param relativeAttentionNumBuckets as above
     * @param relativeAttentionMaxDistance as above
     * @param layerNormEpsilon as above
     * @param feedForwardProj as above
     * @param denseActFn as above
     * @param scaleDecoderOutputs as above
     * @param tieWordEmbeddings as above
     * @param bosTokenId as above
     * @param eosTokenIds as above
     * @param padTokenId as above
     * @param decoderStartTokenId as above
     */
    public T5Config {
        eosTokenIds = List.copyOf(eosTokenIds);
    }

    /**
     * Reads an object {@code text_config} of model type {@code t5}.
     *
     * @param json the object; what it leaves out has its default
     * @return the configuration
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a value is impossible
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if a value is possible but not supported
     */
    public static T5Config of(ConfigNode json) {
        String projection = json.text("feed_forward_proj", "relu");
        // Reference: "gated-gelu" means the tanh approximation, unless dense_act_fn says otherwise, as in BLIP-2.
        String named = projection.startsWith(GATED) ? projection.substring(GATED.length()) : projection;
        String activation = projection.equals("gated-gelu") ? "gelu_new" : named;
        if (!Activation.names().contains(activation)) {
            throw json.unsupported(
                    "feed_forward_proj",
                    '"' + projection + "\" is not supported; supported: "
                            + "relu, gelu, gelu_new, silu and others, alone or behind \"gated-\"");
        }
        int layers = json.size("num_layers", 6, Limits.LAYERS);
        boolean tied = json.flag("tie_word_embeddings", true);
        List<Integer> eos =
                Arrays.stream(json.tokenIds("eos_token_id", 1)).boxed().toList();
        T5Config config = new T5Config(
                json.size("vocab_size", 32128, Limits.VOCAB),
                json.size("d_model", 512, Limits.WIDTH),
                json.size("d_kv", 64, Limits.WIDTH),
                json.size("d_ff", 2048, Limits.WIDTH),
                layers,
                json.size("num_decoder_layers", layers, Limits.LAYERS),
                json.size("num_heads", 8, Limits.HEADS),
                json.integer("relative_attention_num_buckets", 32, 4, Limits.POSITIONS),
                json.size("relative_attention_max_distance", 128, Limits.POSITIONS),
                json.number("layer_norm_epsilon", 1e-6),
                projection,
                json.oneOf("dense_act_fn", activation, Activation.names()),
                json.flag("scale_decoder_outputs", tied),
                tied,
                json.integer("bos_token_id", eos.isEmpty() ? 1 : eos.get(0), 0, Integer.MAX_VALUE),
                eos,
                json.integer("pad_token_id", 0, 0, Integer.MAX_VALUE),
                json.integer("decoder_start_token_id", 0, 0, Integer.MAX_VALUE));
        json.checkToken("bos_token_id", config.bosTokenId, config.vocabSize);
        json.checkToken("decoder_start_token_id", config.decoderStartTokenId, config.vocabSize);
        return config;
    }

    /**
     * Tells whether the feed-forward is gated.
     *
     * @return true if feedForwardProj begins with {@code gated-}
     */
    public boolean isGatedAct() {
        return feedForwardProj.startsWith(GATED);
    }

    @Override
    public String modelType() {
        return "t5";
    }

    @Override
    public int hiddenSize() {
        return dModel;
    }

    @Override
    public boolean isEncoderDecoder() {
        return true;
    }

    @Override
    public OptionalInt maxPositions() {
        return OptionalInt.empty();
    }

    @Override
    public long cacheBytesPerPosition() {
        return 2L * numDecoderLayers * numHeads * dKv * Float.BYTES;
    }

    /** Reference: {@code T5ForConditionalGeneration._tied_weights_keys}; a head that config.json does not tie is no table. */
    @Override
    public Map<String, List<String>> tiedWeights() {
        List<String> tables = List.of("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight");
        return Map.of("shared.weight", tieWordEmbeddings ? tables : tables.subList(0, 2));
    }

    @Override
    public T5ForConditionalGeneration load(WeightScope weights) {
        return new T5ForConditionalGeneration(this, weights);
    }

    @Override
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("model_type", "t5");
        map.put("vocab_size", vocabSize);
        map.put("d_model", dModel);
        map.put("d_kv", dKv);
        map.put("d_ff", dFf);
        map.put("num_layers", numLayers);
        map.put("num_decoder_layers", numDecoderLayers);
        map.put("num_heads", numHeads);
        map.put("relative_attention_num_buckets", relativeAttentionNumBuckets);
        map.put("relative_attention_max_distance", relativeAttentionMaxDistance);
        map.put("layer_norm_epsilon", layerNormEpsilon);
        map.put("feed_forward_proj", feedForwardProj);
        map.put("dense_act_fn", denseActFn);
        map.put("scale_decoder_outputs", scaleDecoderOutputs);
        map.put("tie_word_embeddings", tieWordEmbeddings);
        map.put("is_encoder_decoder", true);
        map.put("bos_token_id", bosTokenId);
        map.put("eos_token_id", LanguageModelConfig.eosJson(eosTokenIds));
        map.put("pad_token_id", padTokenId);
        map.put("decoder_start_token_id", decoderStartTokenId);
        return map;
    }
}
