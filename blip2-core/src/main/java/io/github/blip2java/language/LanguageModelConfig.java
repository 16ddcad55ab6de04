/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

import io.github.blip2java.checkpoint.WeightScope;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** What is common to the configurations of language models. */
public interface LanguageModelConfig {

    /**
     * Gives the kind of model.
     *
     * @return {@code opt} or {@code t5}
     */
    String modelType();

    /**
     * Gives the width that image features are projected to.
     *
     * @return floats per position
     */
    int hiddenSize();

    /**
     * Gives the number of tokens.
     *
     * @return rows of the embedding table
     */
    int vocabSize();

    /**
     * Tells whether the prompt is read by an encoder.
     *
     * @return true for T5, false for OPT
     */
    boolean isEncoderDecoder();

    /**
     * Gives the token that starts a text.
     *
     * @return its id
     */
    int bosTokenId();

    /**
     * Gives the tokens that end a text.
     *
     * @return their ids, possibly none; unmodifiable
     */
    List<Integer> eosTokenIds();

    /**
     * Gives the token that fills rows up.
     *
     * @return its id, or null when there is none
     */
    Integer padTokenId();

    /**
     * Gives the token a decoder starts with.
     *
     * @return its id; the start-of-text token for a decoder-only model
     */
    int decoderStartTokenId();

    /**
     * Gives the longest sequence.
     *
     * @return positions, or empty where there is no limit
     */
    OptionalInt maxPositions();

    /**
     * Gives what a position of a text takes in the key/value cache, over all layers.
     *
     * @return bytes
     */
    long cacheBytesPerPosition();

    /**
     * Gives the values by their JSON keys.
     *
     * @return a new map, ready to be written
     */
    Map<String, Object> toMap();

    /**
     * The tables that go by several names, of which a checkpoint may have any one.
     *
     * @return for the name by which {@link #load} asks for a table, within its scope, the other names in the order in which
     *     {@code transformers} takes them
     */
    Map<String, List<String>> tiedWeights();

    /**
     * Loads the model that this configuration describes.
     *
     * @param weights the scope {@code language_model}
     * @return the model
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a tensor is missing or has another shape
     */
    LanguageModel load(WeightScope weights);

    /**
     * Refuses what is longer than the model allows.
     *
     * @param prompt       positions of the longest prompt, image tokens included
     * @param maxNewTokens tokens that may follow
     * @throws IllegalArgumentException if both together exceed {@link #maxPositions}
     */
    default void checkLength(int prompt, int maxNewTokens) {
        if (maxPositions().isPresent()
                && (long) prompt + maxNewTokens > maxPositions().getAsInt()) {
            throw new IllegalArgumentException(
                    "sequence: expected at most " + maxPositions().getAsInt()
                            + " positions (max_position_embeddings), got a prompt of " + prompt
                            + " (image tokens included) and "
                            + maxNewTokens + " new tokens; shorten the text or lower maxNewTokens");
        }
    }

    /**
     * Writes end tokens as Hugging Face does.
     *
     * @param ids end tokens
     * @return the id alone where there is one, a list of several, null for none
     */
    static Object eosJson(List<Integer> ids) {
        return ids.isEmpty() ? null : ids.size() == 1 ? ids.get(0) : ids;
    }
}
