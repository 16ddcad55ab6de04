/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.memory.InsufficientMemoryException;
import io.github.blip2java.vision.BaseModelOutputWithPooling;
import java.io.IOException;
import java.nio.file.Path;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Vision encoder, Q-Former and language model without generation: for features and full passes. Reference: {@code Blip2Model}.
 */
public final class Blip2Model extends Blip2WithLanguageModel {
    private Blip2Model(OpenModel open) {
        super(open);
    }

    /**
     * Loads a checkpoint folder as stored.
     *
     * @param directory the folder with config.json and safetensors files
     * @return the model
     * @throws IOException if a file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if the checkpoint is valid but not supported
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
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if the checkpoint is valid but not supported
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2Model fromPretrained(Path directory, LoadOptions options) throws IOException {
        return OpenModel.load(directory, options, READING, Blip2Model::new);
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
        return admitted(memory(pixelValues, 0, 0, 0), () -> {
            Tensor pixels = imageSide.pixels(pixelValues, interpolatePosEncoding);
            return imageSide.visionOutput(imageSide.see(pixels, interpolatePosEncoding, ImageSide.Kept.NOTHING));
        });
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
}
