/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples.verify;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.Blip2ForConditionalGenerationModelOutput;
import io.github.blip2java.Blip2Inputs;
import io.github.blip2java.LoadOptions;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationResult;
import io.github.blip2java.language.TokenIds;
import io.github.blip2java.matrix.Quantizer;
import io.github.blip2java.tensor.Tensors;
import io.github.blip2java.weights.Checkpoint;
import io.github.blip2java.weights.WeightFormat;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Runs every check that a reference case holds. */
public final class Verifier {
    private final ReferenceCase reference;
    private final Blip2ForConditionalGeneration model;
    private final WeightFormat format;
    private final double bound;
    private final Consumer<Check> report;

    private Verifier(
            ReferenceCase reference, Blip2ForConditionalGeneration model, WeightFormat format, Consumer<Check> report) {
        this.reference = reference;
        this.model = model;
        this.format = format;
        this.bound = Tolerances.relativeRms(model.config(), format);
        this.report = report;
    }

    /**
     * Runs all checks.
     *
     * @param directory the reference case
     * @param options   how to load the checkpoint
     * @param report    hears of each check as it is done
     * @throws IOException if a file is missing or unreadable
     */
    public static void verify(Path directory, LoadOptions options, Consumer<Check> report) throws IOException {
        try (ReferenceCase reference = ReferenceCase.open(directory);
                Blip2ForConditionalGeneration model =
                        Blip2ForConditionalGeneration.fromPretrained(reference.checkpoint(), options)) {
            WeightFormat format =
                    options.dtype() == WeightFormat.AUTO ? storedFormat(reference.checkpoint()) : options.dtype();
            Verifier verifier = new Verifier(reference, model, format, report);
            verifier.forward();
            verifier.features();
            verifier.generation();
            ProcessorChecks.run(reference, report);
        }
    }

    private static WeightFormat storedFormat(Path directory) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(directory)) {
            return Quantizer.formatOf(checkpoint);
        }
    }

    private boolean isQuantised() {
        return format == WeightFormat.INT8 || format == WeightFormat.INT4;
    }

    private boolean interpolate() {
        return reference.json().path("interpolate_pos_encoding").asBoolean(false);
    }

    private void forward() {
        if (!reference.contains("input.pixel_values")) {
            return;
        }
        INDArray pixels = reference.array("input.pixel_values");
        vision(pixels);
        long[][] ids = reference.ids("input.input_ids");
        long[][] decoderIds = reference.ids("input.decoder_input_ids");
        long[][] labels = reference.ids("input.labels");
        boolean decoderKnown = !model.config().textConfig().isEncoderDecoder() || decoderIds != null || labels != null;
        if (ids == null || !decoderKnown) {
            return;
        }
        long[][] mask = reference.ids("input.attention_mask");
        Blip2ForConditionalGenerationModelOutput output = model.forward(Blip2Inputs.builder()
                .pixelValues(pixels)
                .inputIds(ids)
                .attentionMask(mask)
                .decoderInputIds(decoderIds)
                .labels(labels)
                .interpolatePosEncoding(interpolate())
                .build());
        tensor("expected.logits", output.logits());
        if (reference.contains("expected.loss")) {
            float[] loss = {output.loss() == null ? Float.NaN : output.loss()};
            report.accept(Comparison.tensors(
                    "expected.loss",
                    reference.floats("expected.loss"),
                    loss,
                    new long[] {1},
                    null,
                    tolerance("expected.loss")));
        }
    }

    private void vision(INDArray pixels) {
        var vision = model.visionModel().forward(pixels, interpolate(), true, false);
        tensors("expected.vision.hidden_states.", vision.hiddenStates());
        tensor("expected.vision.last_hidden_state", vision.lastHiddenState());
        tensor("expected.vision.pooler_output", vision.poolerOutput());
        var features = model.getImageFeatures(pixels, interpolate());
        tensor("expected.language_projection", features.poolerOutput());
        tensor("expected.image_features", features.lastHiddenState());
        if (reference.names().stream().anyMatch(name -> name.startsWith("expected.qformer"))) {
            Blip2ForConditionalGenerationModelOutput stages = model.forward(Blip2Inputs.builder()
                    .pixelValues(pixels)
                    .inputIds(anyIds(pixels))
                    .decoderInputIds(anyDecoderIds(pixels))
                    .interpolatePosEncoding(interpolate())
                    .outputHiddenStates(true)
                    .build());
            tensors("expected.qformer.hidden_states.", stages.qformerOutputs().hiddenStates());
            tensor("expected.qformer.last_hidden_state", stages.qformerOutputs().lastHiddenState());
            tensor("expected.qformer_features", model.getQFormerFeatures(pixels, interpolate()));
        }
    }

    /** Ids for a pass of which only the image side matters. */
    private long[][] anyIds(INDArray pixels) {
        long[][] given = reference.ids("input.input_ids");
        if (given != null) {
            return given;
        }
        int images =
                model.config().imageTokenIndex().isPresent() ? model.config().numQueryTokens() : 0;
        long[][] ids = new long[(int) pixels.size(0)][images + 1];
        for (long[] row : ids) {
            Arrays.fill(row, 0, images, model.config().imageTokenIndex().orElse(0));
        }
        return ids;
    }

    private long[][] anyDecoderIds(INDArray pixels) {
        return model.config().textConfig().isEncoderDecoder() ? new long[(int) pixels.size(0)][1] : null;
    }

    private void features() {
        if (reference.contains("expected.text_features")) {
            tensor(
                    "expected.text_features",
                    model.getTextFeatures(reference.ids("input.input_ids"), reference.ids("input.attention_mask")));
        }
    }

    private void generation() {
        for (JsonNode entry : reference.json().path("generate")) {
            String inputs = entry.path("inputs").asText("image");
            String name = "generate/" + entry.path("name").asText() + "/" + inputs;
            try {
                generate(entry, inputs, name);
            } catch (IllegalArgumentException e) {
                report.accept(Check.failed(name, "ids", e.getMessage()));
            }
        }
    }

    private void generate(JsonNode entry, String inputs, String name) {
        INDArray pixels = reference.array("input.pixel_values");
        int rows = entry.path("rows").asInt((int) pixels.size(0));
        boolean text = inputs.equals("image+text");
        long[][] ids = text ? firstRows(reference.ids("input.input_ids"), rows) : null;
        long[][] mask = text ? firstRows(reference.ids("input.attention_mask"), rows) : null;
        GenerationConfig options = GenerationConfig.fromJson(
                entry.path("options").isMissingNode()
                        ? "{}"
                        : entry.path("options").toString());
        GenerationResult result =
                model.generate(model.encodeImages(firstRows(pixels, rows), interpolate()), ids, mask, options);
        Check check = Comparison.ids(name, matrix(entry.path("sequences")), result.sequences());
        report.accept(isQuantised() ? check.allowed("ids may differ with quantised weights") : check);
    }

    private static long[][] firstRows(long[][] values, int rows) {
        return values == null ? null : Arrays.copyOf(values, rows);
    }

    private static INDArray firstRows(INDArray pixels, int rows) {
        return rows == pixels.size(0)
                ? pixels
                : pixels.get(NDArrayIndex.interval(0, rows)).dup('c');
    }

    static long[][] matrix(JsonNode rows) {
        long[][] ids = new long[rows.size()][];
        for (int row = 0; row < ids.length; row++) {
            ids[row] = new long[rows.get(row).size()];
            for (int i = 0; i < ids[row].length; i++) {
                ids[row][i] = rows.get(row).get(i).asLong();
            }
        }
        return ids;
    }

    private void tensors(String prefix, List<INDArray> actual) {
        for (int i = 0; i < actual.size(); i++) {
            tensor(prefix + i, actual.get(i));
        }
    }

    private void tensor(String name, INDArray actual) {
        if (!reference.contains(name)) {
            return;
        }
        long[] shape = reference.shape(name);
        if (!Arrays.equals(shape, actual.shape())) {
            report.accept(Check.failed(
                    name,
                    "tensor",
                    "expected shape " + Arrays.toString(shape) + ", got " + Arrays.toString(actual.shape())));
            return;
        }
        float[] values = Tensors.fromINDArray(actual, name).data();
        report.accept(
                Comparison.tensors(name, reference.floats(name), values, shape, kept(name, shape), tolerance(name)));
    }

    /** Which values count: outputs at padded positions mean nothing, and differ between versions of the reference. */
    private boolean[] kept(String name, long[] shape) {
        boolean perPosition = name.equals("expected.text_features")
                || name.equals("expected.logits")
                        && !model.config().textConfig().isEncoderDecoder();
        long[][] mask = reference.ids("input.attention_mask");
        if (!perPosition || mask == null || TokenIds.allOnes(mask)) {
            return null;
        }
        int batch = (int) shape[0];
        int seq = (int) shape[1];
        int width = (int) shape[2];
        boolean[] keep = new boolean[batch * seq * width];
        for (int b = 0; b < batch; b++) {
            for (int s = 0; s < seq; s++) {
                // With labels, or in the older layout, positions are counted from the end.
                int column = mask[b].length - seq + s;
                boolean kept = column < 0 || mask[b][column] != 0;
                Arrays.fill(keep, (b * seq + s) * width, (b * seq + s + 1) * width, kept);
            }
        }
        return keep;
    }

    private double tolerance(String name) {
        return isQuantised()
                ? bound
                : reference.json().path("tolerance").path(name).asDouble(bound);
    }
}
