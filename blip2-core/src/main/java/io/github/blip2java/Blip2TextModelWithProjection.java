/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.memory.InsufficientMemoryException;
import io.github.blip2java.qformer.BaseModelOutputWithPoolingAndCrossAttentions;
import io.github.blip2java.qformer.Blip2QFormerModel;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The text side of a retrieval model alone, a fifth of its weights: embeds texts. Reference: {@code Blip2TextModelWithProjection}.
 *
 * <p>Text embeddings → Q-Former without queries → projection → length 1.
 */
public final class Blip2TextModelWithProjection extends Blip2PreTrainedModel {
    private static final OpenModel.Reading READING =
            OpenModel.Reading.of(ModelKind.IMAGE_TEXT_RETRIEVAL, "qformer", "embeddings", "text_projection");

    private final Blip2QFormerModel qformer;
    private final QFormerTextSide textSide;

    private Blip2TextModelWithProjection(OpenModel open) {
        super(open);
        this.qformer = open.part("qformer", weights -> new Blip2QFormerModel(config().qformerConfig(), weights));
        this.textSide = new QFormerTextSide(open, qformer);
    }

    /**
     * Loads the text side of a checkpoint folder as stored.
     *
     * @param directory the folder with config.json and safetensors files
     * @return the model
     * @throws IOException if a file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if the checkpoint is valid but not one for retrieval
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2TextModelWithProjection fromPretrained(Path directory) throws IOException {
        return fromPretrained(directory, LoadOptions.defaults());
    }

    /**
     * Loads the text side of a checkpoint folder.
     *
     * @param directory the folder with config.json and safetensors files
     * @param options   how to keep the weights
     * @return the model
     * @throws IOException if a file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if the checkpoint is valid but not one for retrieval
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2TextModelWithProjection fromPretrained(Path directory, LoadOptions options) throws IOException {
        return OpenModel.load(directory, options, READING, Blip2TextModelWithProjection::new);
    }

    /**
     * Embeds texts.
     *
     * @param inputIds      {@code [batch, seq]} without image ids
     * @param attentionMask {@code [batch, seq]}, 1 = keep; null for all ones
     * @return the embeddings of every position
     * @throws IllegalArgumentException if a shape or id does not fit
     */
    public Blip2TextModelOutput forward(long[][] inputIds, long[][] attentionMask) {
        return forward(inputIds, attentionMask, null, false, false);
    }

    /**
     * Embeds texts.
     *
     * @param inputIds           {@code [batch, seq]} without image ids
     * @param attentionMask      {@code [batch, seq]}, 1 = keep; null for all ones
     * @param positionIds        {@code [batch, seq]}, rows of the position table; null to count from 0
     * @param outputHiddenStates whether to return the hidden states
     * @param outputAttentions   whether to return the attention probabilities
     * @return the embeddings of every position
     * @throws IllegalArgumentException if a shape, an id or a position does not fit
     */
    public Blip2TextModelOutput forward(
            long[][] inputIds,
            long[][] attentionMask,
            long[][] positionIds,
            boolean outputHiddenStates,
            boolean outputAttentions) {
        long rows = inputIds == null ? 0 : inputIds.length;
        return admitted(CallMemory.ofRetrieval(config(), 0, rows, columns(inputIds)), () -> {
            QFormerTextSide.Texts texts = textSide.check(inputIds, attentionMask, positionIds);
            ImageSide.Stage read = textSide.read(texts, new ImageSide.Kept(outputHiddenStates, outputAttentions));
            BaseModelOutputWithPoolingAndCrossAttentions output = qformer.output(read.output(), read.trace());
            return new Blip2TextModelOutput(
                    Tensors.toINDArray(textSide.project(read.output())),
                    output.lastHiddenState(),
                    output.hiddenStates(),
                    output.attentions());
        });
    }
}
