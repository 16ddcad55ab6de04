/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.verify;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.blip2java.Blip2Config;
import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.Blip2ForConditionalGenerationModelOutput;
import io.github.blip2java.Blip2Inputs;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.LoadOptions;
import io.github.blip2java.ModelKind;
import io.github.blip2java.checkpoint.Arithmetic;
import io.github.blip2java.checkpoint.Checkpoint;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationHooks;
import io.github.blip2java.generation.GenerationOption;
import io.github.blip2java.generation.GenerationResult;
import io.github.blip2java.processor.tokenizer.StopStrings;
import io.github.blip2java.processor.tokenizer.Tokenizer;
import io.github.blip2java.vision.BaseModelOutputWithPooling;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Runs every check that a reference case holds. */
public final class Verifier {
    private final OutputChecks checks;
    private final ReferenceCase reference;
    private final Blip2ForConditionalGeneration model;
    private final WeightFormat rounding;
    private final Consumer<Check> report;
    private final INDArray pixels;

    /** Worst absolute error of the logits; NaN until known. */
    private double logitsError = Double.NaN;

    private Verifier(OutputChecks checks, Blip2ForConditionalGeneration model) {
        this.checks = checks;
        this.model = model;
        this.reference = checks.reference();
        this.rounding = checks.rounding();
        this.report = checks.report();
        this.pixels = reference.array("input.pixel_values");
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
        try (ReferenceCase reference = ReferenceCase.open(directory)) {
            if (reference.contains("input.pixel_values")) {
                run(reference, options, report);
            }
            ProcessorChecks.run(reference, report);
        }
    }

    private static void run(ReferenceCase reference, LoadOptions options, Consumer<Check> report) throws IOException {
        Path folder = reference.checkpoint();
        Blip2Config config = Blip2Config.fromPretrained(folder);
        ModelKind kind;
        WeightFormat rounding;
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            kind = ModelKind.of(checkpoint);
            rounding = Tolerances.rounding(checkpoint, options.dtype());
        }
        if (options.arithmetic() == Arithmetic.BF16
                && (rounding == WeightFormat.AUTO || rounding == WeightFormat.F16)) {
            rounding = WeightFormat.BF16; // within products
        }
        OutputChecks checks = new OutputChecks(reference, config, rounding, report);
        if (kind == ModelKind.IMAGE_TEXT_RETRIEVAL) {
            new RetrievalVerifier(reference, checks).run(folder, options);
            return;
        }
        try (Blip2ForConditionalGeneration model = Blip2ForConditionalGeneration.fromPretrained(folder, options)) {
            Verifier verifier = new Verifier(checks, model);
            verifier.forward();
            verifier.textFeatures();
            verifier.generation();
        }
    }

    private boolean interpolate() {
        return reference.json().path("interpolate_pos_encoding").asBoolean(false);
    }

    /** One pass, in which every stage shows what it made. */
    private void forward() {
        long[][] ids = reference.ids("input.input_ids");
        long[][] decoderIds = reference.ids("input.decoder_input_ids");
        long[][] labels = reference.ids("input.labels");
        boolean decoderKnown = !model.config().textConfig().isEncoderDecoder() || decoderIds != null || labels != null;
        boolean complete = ids != null && decoderKnown;
        Blip2ForConditionalGenerationModelOutput output = model.forward(Blip2Inputs.builder()
                .pixelValues(pixels)
                .inputIds(complete ? ids : anyIds())
                .attentionMask(complete ? reference.ids("input.attention_mask") : null)
                .decoderInputIds(complete ? decoderIds : new long[(int) pixels.size(0)][1])
                .labels(complete ? labels : null)
                .interpolatePosEncoding(interpolate())
                .outputHiddenStates(true)
                .build());
        BaseModelOutputWithPooling vision = output.visionOutputs();
        tensors("expected.vision.hidden_states.", vision.hiddenStates());
        tensor("expected.vision.last_hidden_state", vision.lastHiddenState());
        tensor("expected.vision.pooler_output", vision.poolerOutput());
        tensor("expected.image_features", vision.lastHiddenState());
        tensors("expected.qformer.hidden_states.", output.qformerOutputs().hiddenStates());
        tensor("expected.qformer.last_hidden_state", output.qformerOutputs().lastHiddenState());
        tensor("expected.qformer_features", output.qformerOutputs().lastHiddenState());
        if (complete) {
            logitsError = tensor("expected.logits", output.logits());
            if (reference.contains("expected.loss")) {
                float loss = output.loss() == null ? Float.NaN : output.loss();
                checks.compare("expected.loss", new float[] {loss}, new long[] {1}, null);
            }
        }
    }

    /** Ids for a pass of which only the image side matters. */
    private long[][] anyIds() {
        int images =
                model.config().imageTokenIndex().isPresent() ? model.config().numQueryTokens() : 0;
        long[][] ids = new long[(int) pixels.size(0)][images + 1];
        for (long[] row : ids) {
            Arrays.fill(row, 0, images, model.config().imageTokenIndex().orElse(0));
        }
        return ids;
    }

    private void textFeatures() {
        if (reference.contains("expected.text_features")) {
            tensor(
                    "expected.text_features",
                    model.getTextFeatures(reference.ids("input.input_ids"), reference.ids("input.attention_mask")));
        }
    }

    private void generation() {
        ImageEncoding images = model.encodeImages(pixels, interpolate());
        tensor("expected.language_projection", images.features());
        for (JsonNode entry : reference.json().path("generate")) {
            String inputs = entry.path("inputs").asText("image");
            String name = "generate/" + entry.path("name").asText() + "/" + inputs;
            try {
                generate(entry, images, inputs, name);
            } catch (IllegalArgumentException e) {
                report.accept(Check.failed(name, "ids", e.getMessage()));
            }
        }
    }

    private void generate(JsonNode entry, ImageEncoding images, String inputs, String name) {
        int rows = entry.path("rows").asInt(images.batch());
        boolean text = inputs.equals("image+text");
        long[][] ids = text ? firstRows(reference.ids("input.input_ids"), rows) : null;
        long[][] mask = text ? firstRows(reference.ids("input.attention_mask"), rows) : null;
        GenerationConfig options = GenerationConfig.fromJson(
                entry.path("options").isMissingNode()
                        ? "{}"
                        : entry.path("options").toString());
        ImageEncoding some =
                rows == images.batch() ? images : model.encodeImages(firstRows(pixels, rows), interpolate());
        GenerationResult result = generate(some, ids, mask, options);
        Check check = Comparison.ids(name, matrix(entry.path("sequences")), result.sequences());
        boolean mayDiffer = mayDiffer(entry);
        report.accept(mayDiffer ? check.allowed("ids may differ with rounded weights") : check);
        JsonNode scores = entry.path("sequences_scores");
        if (!scores.isMissingNode() && !mayDiffer) {
            report.accept(
                    Comparison.scores(name + "/scores", scores, result.details().sequenceScores()));
        }
    }

    /** What ends at a text needs the tokenizer; the model knows tokens alone. */
    private GenerationResult generate(ImageEncoding images, long[][] ids, long[][] mask, GenerationConfig options) {
        List<String> texts = options.getIfSet(GenerationOption.STOP_STRINGS);
        if (texts == null) {
            return model.generate(images, ids, mask, options);
        }
        try (Tokenizer tokenizer = Tokenizer.fromPretrained(reference.checkpoint())) {
            StopStrings stops = new StopStrings(tokenizer, texts);
            return model.generate(
                    images,
                    ids,
                    mask,
                    options.toBuilder().set(GenerationOption.STOP_STRINGS, null).build(),
                    GenerationHooks.NONE.withStoppingCriteria(sequence ->
                            stops.ended(sequence::id, sequence.length()) == null ? null : FinishReason.STOP_STRING));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Whether rounded weights may tip a token: unless the best score leads by more than the two best can be off together. Where
     * the reference has no logits or no margin, they may.
     */
    private boolean mayDiffer(JsonNode entry) {
        return rounding != WeightFormat.AUTO && !(entry.path("smallest_margin").asDouble(Double.NaN) > 2 * logitsError);
    }

    private static long[][] firstRows(long[][] values, int rows) {
        return values == null ? null : Arrays.copyOf(values, rows);
    }

    private static INDArray firstRows(INDArray pixels, int rows) {
        return pixels.get(NDArrayIndex.interval(0, rows)).dup('c');
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
        checks.tensors(prefix, actual);
    }

    private double tensor(String name, INDArray actual) {
        boolean perPosition = name.equals("expected.text_features")
                || name.equals("expected.logits")
                        && !model.config().textConfig().isEncoderDecoder();
        return checks.tensor(name, actual, perPosition ? reference.ids("input.attention_mask") : null);
    }
}
