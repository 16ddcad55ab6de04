/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.verify;

import io.github.blip2java.Blip2ForImageTextRetrieval;
import io.github.blip2java.Blip2ImageTextMatchingModelOutput;
import io.github.blip2java.Blip2Inputs;
import io.github.blip2java.Blip2TextModelOutput;
import io.github.blip2java.Blip2TextModelWithProjection;
import io.github.blip2java.Blip2VisionModelOutput;
import io.github.blip2java.Blip2VisionModelWithProjection;
import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.LoadOptions;
import io.github.blip2java.RetrievalImages;
import io.github.blip2java.RetrievalTexts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Runs every check that a reference case of a retrieval model holds. */
final class RetrievalVerifier {
    private final ReferenceCase reference;
    private final OutputChecks checks;
    private final INDArray pixels;
    private final long[][] ids;
    private final long[][] mask;
    private final long[][] textIds;
    private final long[][] textMask;

    RetrievalVerifier(ReferenceCase reference, OutputChecks checks) {
        this.reference = reference;
        this.checks = checks;
        this.pixels = reference.array("input.pixel_values");
        this.ids = reference.ids("input.input_ids");
        this.mask = reference.ids("input.attention_mask");
        this.textIds = reference.ids("input.text_only.input_ids");
        this.textMask = reference.ids("input.text_only.attention_mask");
    }

    /** The three classes that read such a checkpoint, one after the other. */
    void run(Path checkpoint, LoadOptions options) throws IOException {
        try (Blip2ForImageTextRetrieval model = Blip2ForImageTextRetrieval.fromPretrained(checkpoint, options)) {
            contrast(model);
            matching(model);
            everyPair(model);
        }
        try (Blip2VisionModelWithProjection model =
                Blip2VisionModelWithProjection.fromPretrained(checkpoint, options)) {
            images(model);
        }
        try (Blip2TextModelWithProjection model = Blip2TextModelWithProjection.fromPretrained(checkpoint, options)) {
            texts(model);
        }
    }

    private Blip2Inputs inputs(INDArray pictures, int rows) {
        return Blip2Inputs.builder()
                .pixelValues(pictures)
                .inputIds(Arrays.copyOf(ids, rows))
                .attentionMask(Arrays.copyOf(mask, rows))
                .outputHiddenStates(true)
                .build();
    }

    private void contrast(Blip2ForImageTextRetrieval model) {
        Blip2ImageTextMatchingModelOutput output = model.forward(inputs(pixels, ids.length), false);
        checks.tensors(
                "expected.vision.hidden_states.", output.visionModelOutput().hiddenStates());
        checks.tensor(
                "expected.vision.last_hidden_state", output.visionModelOutput().lastHiddenState());
        checks.tensor(
                "expected.vision.pooler_output", output.visionModelOutput().poolerOutput());
        checks.tensor("expected.itc.logits_per_image", output.logitsPerImage());
        checks.tensor("expected.itc.text_embeds", output.textEmbeds());
        checks.tensor("expected.image_embeds", output.imageEmbeds());
    }

    private void matching(Blip2ForImageTextRetrieval model) {
        if (reference.contains("expected.itm.logits_per_image")) {
            Blip2ImageTextMatchingModelOutput output = model.forward(inputs(pixels, ids.length), true);
            checks.tensor("expected.itm.logits_per_image", output.logitsPerImage());
            checks.tensor("expected.itm.text_embeds", output.textEmbeds(), textMask);
        }
        if (reference.contains("expected.multimodal_features")) {
            int rows = (int) reference.shape("expected.multimodal_features")[0];
            INDArray pictures = pixels.size(0) == 1
                    ? pixels
                    : pixels.get(NDArrayIndex.interval(0, rows)).dup('c');
            checks.tensor(
                    "expected.multimodal_features",
                    model.getMultimodalFeatures(pictures, Arrays.copyOf(ids, rows), Arrays.copyOf(mask, rows)));
        }
    }

    private void everyPair(Blip2ForImageTextRetrieval model) {
        String name = "expected.itm.every_pair";
        if (reference.contains(name)) {
            RetrievalImages images = model.encodeImages(pixels);
            RetrievalTexts texts = model.encodeTexts(textIds, textMask);
            List<ImageTextMatch> matches =
                    model.match(images, texts).stream().flatMap(List::stream).toList();
            float[] logits = new float[2 * matches.size()];
            for (int pair = 0; pair < matches.size(); pair++) {
                logits[2 * pair] = matches.get(pair).noMatchLogit();
                logits[2 * pair + 1] = matches.get(pair).matchLogit();
            }
            checks.compare(name, logits, reference.shape(name), null);
        }
    }

    private void images(Blip2VisionModelWithProjection model) {
        Blip2VisionModelOutput output = model.forward(pixels, false, true, false);
        checks.tensor("expected.image_embeds", output.imageEmbeds());
        checks.tensor("expected.vision.last_hidden_state", output.lastHiddenState());
    }

    private void texts(Blip2TextModelWithProjection model) {
        Blip2TextModelOutput output = model.forward(textIds, textMask, null, true, false);
        checks.tensor("expected.text_embeds", output.textEmbeds(), textMask);
        checks.tensor("expected.text.last_hidden_state", output.lastHiddenState(), textMask);
        for (int i = 0; i < output.hiddenStates().size(); i++) {
            checks.tensor(
                    "expected.text.hidden_states." + i, output.hiddenStates().get(i), textMask);
        }
        long[][] positions = reference.ids("input.text_only.position_ids");
        if (positions != null) {
            checks.tensor(
                    "expected.text_embeds_at_positions",
                    model.forward(textIds, textMask, positions, false, false).textEmbeds(),
                    textMask);
        }
    }
}
