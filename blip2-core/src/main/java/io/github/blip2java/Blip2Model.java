/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.qformer.Blip2QFormerModel;
import io.github.blip2java.vision.BaseModelOutputWithPooling;
import io.github.blip2java.vision.Blip2VisionModel;
import java.io.IOException;
import java.nio.file.Path;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Vision encoder, Q-Former and language model without generation: for features and full passes.
 *
 * <p>Immutable and safe for many threads. After {@link #close} every call but {@link #config} is an
 * {@link IllegalStateException}. Whatever can be wrong with a call's arguments is refused before the work begins. Calls take
 * turns and can be interrupted as those of {@link Blip2ForConditionalGeneration}. Reference: {@code Blip2Model}.
 */
public final class Blip2Model implements AutoCloseable {
    private final Blip2Backbone backbone;

    private Blip2Model(Blip2Backbone backbone) {
        this.backbone = backbone;
    }

    /**
     * Loads a checkpoint folder as stored.
     *
     * @param directory the folder with config.json and safetensors files
     * @return the model
     * @throws IOException if a file is missing or unreadable
     * @throws io.github.blip2java.weights.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.weights.UnsupportedModelException if the checkpoint is valid but not supported
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2Model fromPretrained(Path directory) throws IOException {
        return fromPretrained(directory, LoadOptions.defaults());
    }

    /**
     * Loads a checkpoint folder.
     *
     * @param directory the folder with config.json and safetensors files
     * @param options   how to keep the weights
     * @return the model
     * @throws IOException if a file is missing or unreadable
     * @throws io.github.blip2java.weights.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.weights.UnsupportedModelException if the checkpoint is valid but not supported
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2Model fromPretrained(Path directory, LoadOptions options) throws IOException {
        return new Blip2Model(Blip2Backbone.load(directory, options));
    }

    /**
     * Gives the configuration.
     *
     * @return the configuration the checkpoint came with
     */
    public Blip2Config config() {
        return backbone.config;
    }

    /**
     * Gives the image encoder.
     *
     * @return the vision model
     */
    public Blip2VisionModel visionModel() {
        backbone.checkOpen();
        return backbone.visionModel;
    }

    /**
     * Gives the Q-Former.
     *
     * @return the querying transformer
     */
    public Blip2QFormerModel qformer() {
        backbone.checkOpen();
        return backbone.qformer;
    }

    /**
     * Gives the language model.
     *
     * @return OPT or T5
     */
    public LanguageModel languageModel() {
        backbone.checkOpen();
        return backbone.languageModel;
    }

    /**
     * Runs all stages.
     *
     * @param inputs pixels, ids and what to return
     * @return loss, logits and every stage's output
     * @throws IllegalArgumentException if a shape or id does not fit
     */
    public Blip2ForConditionalGenerationModelOutput forward(Blip2Inputs inputs) {
        return backbone.admitted(backbone.memory(inputs), () -> backbone.forward(inputs));
    }

    /**
     * Encodes pictures with the vision encoder alone.
     *
     * @param pixelValues            {@code [batch, 3, height, width]}
     * @param interpolatePosEncoding whether other sizes than the configured one are allowed
     * @return the vision encoder's output
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public BaseModelOutputWithPooling getImageFeatures(INDArray pixelValues, boolean interpolatePosEncoding) {
        return backbone.admitted(
                backbone.memory(pixelValues, 0, 0, 0),
                () -> backbone.visionModel.forward(pixelValues, interpolatePosEncoding, false, false));
    }

    /**
     * Encodes pictures with the vision encoder alone.
     *
     * @param pixelValues {@code [batch, 3, imageSize, imageSize]}
     * @return the vision encoder's output
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public BaseModelOutputWithPooling getImageFeatures(INDArray pixelValues) {
        return getImageFeatures(pixelValues, false);
    }

    /**
     * Encodes texts with the language model: the last hidden state of OPT, or of T5's encoder.
     *
     * @param inputIds      {@code [batch, seq]}
     * @param attentionMask {@code [batch, seq]}, 1 = keep; null for all ones
     * @return {@code [batch, seq, hidden]}
     * @throws IllegalArgumentException if a shape or id does not fit
     */
    public INDArray getTextFeatures(long[][] inputIds, long[][] attentionMask) {
        return backbone.admitted(backbone.memory(inputIds), () -> backbone.textFeatures(inputIds, attentionMask));
    }

    /**
     * Encodes pictures with vision encoder and Q-Former.
     *
     * @param pixelValues            {@code [batch, 3, height, width]}
     * @param interpolatePosEncoding whether other sizes than the configured one are allowed
     * @return {@code [batch, queries, hidden]}
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public INDArray getQFormerFeatures(INDArray pixelValues, boolean interpolatePosEncoding) {
        return backbone.admitted(
                backbone.memory(pixelValues, 0, 0, 0),
                () -> backbone.qformerFeatures(pixelValues, interpolatePosEncoding));
    }

    /**
     * Encodes pictures with vision encoder and Q-Former.
     *
     * @param pixelValues {@code [batch, 3, imageSize, imageSize]}
     * @return {@code [batch, queries, hidden]}
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public INDArray getQFormerFeatures(INDArray pixelValues) {
        return getQFormerFeatures(pixelValues, false);
    }

    /** Frees the weights and closes their files, as {@link Blip2ForConditionalGeneration#close} does. */
    @Override
    public void close() {
        backbone.close();
    }
}
