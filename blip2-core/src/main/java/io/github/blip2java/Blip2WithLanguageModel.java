/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.language.LanguageModelOutput;
import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.memory.MemoryEstimate;
import io.github.blip2java.qformer.Blip2QFormerModel;
import io.github.blip2java.vision.Blip2VisionModel;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What {@link Blip2Model} and {@link Blip2ForConditionalGeneration} have in common: image side, text side, and a full pass. */
abstract sealed class Blip2WithLanguageModel extends Blip2PreTrainedModel
        permits Blip2Model, Blip2ForConditionalGeneration {
    static final OpenModel.Reading READING = OpenModel.Reading.of(
            ModelKind.CONDITIONAL_GENERATION, "vision_model", "qformer", "language_projection", "language_model");

    final ImageSide imageSide;
    final TextSide textSide;

    Blip2WithLanguageModel(OpenModel open) {
        super(open);
        this.imageSide = new ImageSide(open);
        this.textSide = new TextSide(open);
    }

    /** {@return the image encoder} */
    public Blip2VisionModel visionModel() {
        checkOpen();
        return imageSide.visionModel;
    }

    /** {@return the querying transformer} */
    public Blip2QFormerModel qformer() {
        checkOpen();
        return imageSide.qformer;
    }

    /** {@return OPT or T5} */
    public LanguageModel languageModel() {
        checkOpen();
        return textSide.languageModel;
    }

    /** About what pictures of any size need, and rows of text; see {@link MemoryEstimate#ofCall}. */
    final long memory(INDArray pixels, long rows, long positions, long scored) {
        return CallMemory.ofCall(config(), pictures(pixels), rows, positions, scored);
    }

    /**
     * Runs all stages once.
     *
     * @param inputs pixels, ids and what to return
     * @return loss, logits and every stage's output
     * @throws IllegalArgumentException if a shape or id does not fit
     */
    public Blip2ForConditionalGenerationModelOutput forward(Blip2Inputs inputs) {
        if (inputs == null) {
            checkOpen();
            throw new IllegalArgumentException(
                    "inputs: expected Blip2Inputs, got null; Blip2Inputs.builder() makes them");
        }
        long[][] ids = inputs.inputIds();
        long rows = ids == null ? 0 : ids.length;
        return admitted(memory(inputs.pixelValues(), rows, columns(ids), columns(ids)), () -> pass(inputs));
    }

    private Blip2ForConditionalGenerationModelOutput pass(Blip2Inputs in) {
        Tensor pixels = imageSide.pixels(in.pixelValues(), in.interpolatePosEncoding());
        TextSide.Checked checked = textSide.check(in, pixels.dim(0));
        ImageSide.Kept kept = ImageSide.Kept.asAsked(in);
        // 1. the vision encoder: pixels → image embeddings
        ImageSide.Stage seen = imageSide.see(pixels, in.interpolatePosEncoding(), kept);
        // 2. the queries read them: image embeddings → query outputs
        ImageSide.Stage read = imageSide.query(seen.output(), kept);
        // 3. the language model, with the projected queries in the place of the image tokens
        ImageTextMerger.Merged merged = textSide.merge(checked.text(), textSide.project(read.output()));
        LanguageModelOutput output = textSide.forward(merged, checked, kept);
        Tensor logits = TextSide.labelled(Tensors.fromINDArray(output.logits(), "logits"), checked.labels());
        return new Blip2ForConditionalGenerationModelOutput(
                TextSide.loss(logits, checked),
                Tensors.toINDArray(logits),
                imageSide.visionOutput(seen),
                imageSide.qformerOutput(read),
                output);
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
        long rows = inputIds == null ? 0 : inputIds.length;
        return admitted(
                memory(null, rows, columns(inputIds), 0),
                () -> Tensors.toINDArray(textSide.features(inputIds, attentionMask)));
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
        return admitted(memory(pixelValues, 0, 0, 0), () -> {
            Tensor pixels = imageSide.pixels(pixelValues, interpolatePosEncoding);
            return Tensors.toINDArray(queryOutput(pixels, interpolatePosEncoding));
        });
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

    /** Checked pixels → query outputs {@code [batch, queries, hidden]}. */
    final Tensor queryOutput(Tensor pixels, boolean interpolate) {
        Tensor imageEmbeds =
                imageSide.see(pixels, interpolate, ImageSide.Kept.NOTHING).output();
        return imageSide.query(imageEmbeds, ImageSide.Kept.NOTHING).output();
    }
}
