/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.memory.InsufficientMemoryException;
import io.github.blip2java.vision.BaseModelOutputWithPooling;
import java.io.IOException;
import java.nio.file.Path;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The image side of a retrieval model alone: embeds images. Reference: {@code Blip2VisionModelWithProjection}.
 *
 * <p>Vision encoder → Q-Former → projection → length 1.
 */
public final class Blip2VisionModelWithProjection extends Blip2PreTrainedModel {
    private static final OpenModel.Reading READING =
            OpenModel.Reading.of(ModelKind.IMAGE_TEXT_RETRIEVAL, "vision_model", "qformer", "vision_projection");

    private final ImageSide imageSide;
    private final Linear visionProjection;

    private Blip2VisionModelWithProjection(OpenModel open) {
        super(open);
        this.imageSide = new ImageSide(open);
        this.visionProjection = Matcher.visionProjection(open);
    }

    /**
     * Loads the image side of a checkpoint folder as stored.
     *
     * @param directory the folder with config.json and safetensors files
     * @return the model
     * @throws IOException if a file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if the checkpoint is valid but not one for retrieval
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2VisionModelWithProjection fromPretrained(Path directory) throws IOException {
        return fromPretrained(directory, LoadOptions.defaults());
    }

    /**
     * Loads the image side of a checkpoint folder.
     *
     * @param directory the folder with config.json and safetensors files
     * @param options   how to keep the weights
     * @return the model
     * @throws IOException if a file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if the checkpoint is valid but not one for retrieval
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2VisionModelWithProjection fromPretrained(Path directory, LoadOptions options)
            throws IOException {
        return OpenModel.load(directory, options, READING, Blip2VisionModelWithProjection::new);
    }

    /**
     * Embeds images.
     *
     * @param pixelValues {@code [batch, 3, imageSize, imageSize]}
     * @return the embeddings of every query
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public Blip2VisionModelOutput forward(INDArray pixelValues) {
        return forward(pixelValues, false, false, false);
    }

    /**
     * Embeds images.
     *
     * @param pixelValues            {@code [batch, 3, height, width]}
     * @param interpolatePosEncoding whether other sizes than the configured one are allowed
     * @param outputHiddenStates     whether to return the vision encoder's hidden states
     * @param outputAttentions       whether to return the vision encoder's attention probabilities
     * @return the embeddings of every query
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public Blip2VisionModelOutput forward(
            INDArray pixelValues,
            boolean interpolatePosEncoding,
            boolean outputHiddenStates,
            boolean outputAttentions) {
        return admitted(CallMemory.ofRetrieval(config(), pictures(pixelValues), 0, 0), () -> {
            Tensor pixels = imageSide.pixels(pixelValues, interpolatePosEncoding);
            ImageSide.Kept kept = new ImageSide.Kept(outputHiddenStates, outputAttentions);
            ImageSide.Stage seen = imageSide.see(pixels, interpolatePosEncoding, kept);
            ImageSide.Stage read = imageSide.query(seen.output(), ImageSide.Kept.NOTHING);
            BaseModelOutputWithPooling output = imageSide.visionOutput(seen);
            return new Blip2VisionModelOutput(
                    Tensors.toINDArray(Elementwise.normalize(visionProjection.forward(read.output()))),
                    output.lastHiddenState(),
                    output.hiddenStates(),
                    output.attentions());
        });
    }
}
