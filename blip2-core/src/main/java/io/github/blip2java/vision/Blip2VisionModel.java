/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.vision;

import io.github.blip2java.checkpoint.WeightScope;
import io.github.blip2java.internal.nn.LayerNorm;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The image encoder, EVA-CLIP's ViT-g/14 in all published checkpoints (paper section 3.1).
 *
 * <p>norm(encoder(embeddings(pixels))): {@code [batch, 3, height, width]} → {@code [batch, patches + 1, hidden]}. Keys:
 * {@code embeddings.*}, {@code encoder.*}, {@code post_layernorm.*}. Reference: {@code Blip2VisionModel}.
 */
public final class Blip2VisionModel {
    private final Blip2VisionEmbeddings embeddings;
    private final Blip2Encoder encoder;
    private final LayerNorm postLayernorm;

    /**
     * Loads the encoder.
     *
     * @param config  its sizes
     * @param weights the scope {@code vision_model}
     */
    public Blip2VisionModel(Blip2VisionConfig config, WeightScope weights) {
        this.embeddings = new Blip2VisionEmbeddings(config, weights.at("embeddings"));
        this.encoder = new Blip2Encoder(config, weights.at("encoder"));
        this.postLayernorm = new LayerNorm(config.hiddenSize(), config.layerNormEps(), weights.at("post_layernorm"));
    }

    /**
     * Encodes pictures.
     *
     * @param pixelValues            {@code [batch, 3, imageSize, imageSize]}, normalised as Blip2ImageProcessor does
     * @param interpolatePosEncoding whether other sizes are allowed, by resizing the position table
     * @param outputHiddenStates     whether to return the hidden states
     * @param outputAttentions       whether to return the attention probabilities
     * @return the encoder's output
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public BaseModelOutputWithPooling forward(
            INDArray pixelValues,
            boolean interpolatePosEncoding,
            boolean outputHiddenStates,
            boolean outputAttentions) {
        Trace trace = new Trace(outputHiddenStates, outputAttentions);
        Tensor pixels = Tensors.fromINDArray(pixelValues, "pixelValues");
        return output(forward(pixels, interpolatePosEncoding, trace), trace);
    }

    /**
     * Refuses pictures that cannot be encoded, before any work.
     *
     * @param pixels                 {@code [batch, 3, height, width]}
     * @param interpolatePosEncoding whether sizes other than the configured one are allowed
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public void check(Tensor pixels, boolean interpolatePosEncoding) {
        embeddings.check(pixels, interpolatePosEncoding);
    }

    /**
     * Encodes pictures, within the library.
     *
     * @param pixels                 {@code [batch, 3, height, width]}
     * @param interpolatePosEncoding whether sizes other than the configured one are allowed
     * @param trace                  collects hidden states and attentions
     * @return the last hidden state {@code [batch, patches + 1, hidden]}
     */
    public Tensor forward(Tensor pixels, boolean interpolatePosEncoding, Trace trace) {
        Tensor x = embeddings.forward(pixels, interpolatePosEncoding); // [batch, patches + 1, hidden]
        return postLayernorm.forward(encoder.forward(x, trace));
    }

    /**
     * Puts a last hidden state and a trace into the public record.
     *
     * @param lastHiddenState what {@link #forward(Tensor, boolean, Trace)} returned
     * @param trace           what it collected
     * @return the record
     */
    public BaseModelOutputWithPooling output(Tensor lastHiddenState, Trace trace) {
        int positions = lastHiddenState.dim(1);
        int[] classRows = IntStream.range(0, lastHiddenState.dim(0))
                .map(image -> image * positions)
                .toArray();
        // Reference: the class position goes through post_layernorm a second time.
        Tensor pooled = postLayernorm.forward(lastHiddenState.gatherRows(classRows));
        return new BaseModelOutputWithPooling(
                Tensors.toINDArray(lastHiddenState),
                Tensors.toINDArray(pooled),
                Tensors.toINDArrays(trace.hiddenStates()),
                Tensors.toINDArrays(trace.attentions()));
    }
}
