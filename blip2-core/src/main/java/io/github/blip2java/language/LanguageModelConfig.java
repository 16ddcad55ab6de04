/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.language;

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
     * @return a copy of their ids, possibly empty
     */
    int[] eosTokenIds();

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
     * Writes end tokens as Hugging Face does.
     *
     * @param ids end tokens
     * @return the id alone where there is one, a list of several, null for none
     */
    static Object eosJson(int... ids) {
        return ids.length == 0 ? null : ids.length == 1 ? (Object) ids[0] : ids;
    }
}
