/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.checkpoint.Checkpoint;
import java.util.List;
import java.util.stream.Stream;

/** What a checkpoint was made for, which its weights tell: some published configurations name no class, or the wrong one. */
public enum ModelKind {
    /** Captions and answers: a language projection and a language model. */
    CONDITIONAL_GENERATION(
            "a checkpoint with a language model, for captions and answers",
            "Blip2Pipeline, Blip2ForConditionalGeneration or Blip2Model",
            "Salesforce/blip2-opt-2.7b",
            List.of("language_projection", "language_model")),

    /** Image–text matching, ranking and embeddings: text embeddings and the heads of retrieval, no language model. */
    IMAGE_TEXT_RETRIEVAL(
            "a checkpoint for image–text retrieval, without a language model",
            "Blip2RetrievalPipeline, Blip2ForImageTextRetrieval, Blip2TextModelWithProjection or"
                    + " Blip2VisionModelWithProjection",
            "Salesforce/blip2-itm-vit-g",
            List.of("embeddings", "vision_projection", "text_projection", "itm_head"));

    private final String description;
    private final String classes;
    private final String example;
    private final List<String> ownParts;

    ModelKind(String description, String classes, String example, List<String> ownParts) {
        this.description = description;
        this.classes = classes;
        this.example = example;
        this.ownParts = ownParts;
    }

    /**
     * Looks at what a checkpoint holds.
     *
     * @param checkpoint an open checkpoint
     * @return retrieval where a head of it is there and no language projection; else generation
     */
    public static ModelKind of(Checkpoint checkpoint) {
        boolean head = Stream.of("itm_head", "vision_projection", "text_projection")
                .anyMatch(part -> checkpoint.contains(part + ".weight"));
        return head && !checkpoint.contains("language_projection.weight")
                ? IMAGE_TEXT_RETRIEVAL
                : CONDITIONAL_GENERATION;
    }

    /** {@return what such a checkpoint is, in words} */
    public String description() {
        return description;
    }

    /** {@return the classes that read such a checkpoint, in words} */
    public String classes() {
        return classes;
    }

    /** {@return a published checkpoint of this kind} */
    public String example() {
        return example;
    }

    /** {@return the parts that no other kind has, by the first name of their tensors} */
    List<String> ownParts() {
        return ownParts;
    }
}
