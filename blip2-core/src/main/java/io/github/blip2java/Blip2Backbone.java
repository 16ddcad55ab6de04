/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.kernel.Parallel;
import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.language.LanguageModelConfig;
import io.github.blip2java.language.LanguageModelInputs;
import io.github.blip2java.language.LanguageModelOutput;
import io.github.blip2java.language.TokenIds;
import io.github.blip2java.matrix.NativeMemory;
import io.github.blip2java.nn.CrossEntropyLoss;
import io.github.blip2java.nn.Linear;
import io.github.blip2java.nn.Trace;
import io.github.blip2java.qformer.BaseModelOutputWithPoolingAndCrossAttentions;
import io.github.blip2java.qformer.Blip2QFormerModel;
import io.github.blip2java.tensor.JavaCpp;
import io.github.blip2java.tensor.Tensor;
import io.github.blip2java.tensor.Tensors;
import io.github.blip2java.vision.BaseModelOutputWithPooling;
import io.github.blip2java.vision.Blip2VisionModel;
import io.github.blip2java.weights.Checkpoint;
import io.github.blip2java.weights.CheckpointFolder;
import io.github.blip2java.weights.Failures;
import io.github.blip2java.weights.UnsupportedModelException;
import io.github.blip2java.weights.WeightScope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The four stages that {@link Blip2Model} and {@link Blip2ForConditionalGeneration} share: vision encoder → Q-Former →
 * language projection → language model.
 *
 * <p>Keys: {@code vision_model.*}, {@code query_tokens} {@code [1, queries, hidden]}, {@code qformer.*},
 * {@code language_projection.*}, {@code language_model.*}.
 */
final class Blip2Backbone implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Blip2Backbone.class);
    private static final int STAGES = 4;
    private static final AtomicBoolean ENVIRONMENT_LOGGED = new AtomicBoolean();

    final Blip2Config config;
    final Blip2VisionModel visionModel;
    final Blip2QFormerModel qformer;
    final LanguageModel languageModel;
    final ImageTextMerger merger;
    private final Tensor queryTokens;
    private final Linear languageProjection;
    private final Checkpoint checkpoint;
    private final Parallel pool;
    private final Admission admission;
    private volatile boolean closed;

    private Blip2Backbone(Blip2Config config, Checkpoint checkpoint, Parallel pool, LoadOptions options) {
        WeightScope weights = checkpoint.root(options.dtype());
        int hidden = config.qformerConfig().hiddenSize();
        int queries = config.numQueryTokens();
        LanguageModelConfig text = config.textConfig();
        ProgressListener progress = options.progress();
        this.config = config;
        this.checkpoint = checkpoint;
        this.pool = pool;
        this.admission = new Admission(
                pool,
                options.maxWaiting(),
                this::checkOpen,
                Runtime.getRuntime().maxMemory());
        this.merger = new ImageTextMerger(config);
        progress.progress("loading vision_model", 0, STAGES);
        this.visionModel = new Blip2VisionModel(config.visionConfig(), weights.at("vision_model"));
        progress.progress("loading qformer", 1, STAGES);
        this.queryTokens = Tensor.of(weights.floats("query_tokens", 1, queries, hidden), 1, queries, hidden);
        this.qformer = new Blip2QFormerModel(config.qformerConfig(), weights.at("qformer"));
        progress.progress("loading language_projection", 2, STAGES);
        this.languageProjection = new Linear(hidden, text.hiddenSize(), true, weights.at("language_projection"));
        progress.progress("loading language_model", 3, STAGES);
        this.languageModel = text.load(weights.at("language_model"));
        progress.progress("loaded", STAGES, STAGES);
        if (text.hiddenSize() < languageModel.embeddingWidth()) {
            throw new UnsupportedModelException("config.json: text_config: token embeddings of "
                    + languageModel.embeddingWidth() + " are wider than hidden_size " + text.hiddenSize()
                    + ", so image features cannot take their place");
        }
    }

    static Blip2Backbone load(Path given, LoadOptions options) throws IOException {
        JavaCpp.prepare();
        Path directory = CheckpointFolder.resolve(given);
        Parallel pool = options.threads() == LoadOptions.ALL_CORES ? Parallel.shared() : Parallel.of(options.threads());
        if (!ENVIRONMENT_LOGGED.getAndSet(true)) {
            LOG.info("{}", ComputeEnvironment.of(pool.size()));
            if (ComputeEnvironment.flushesSubnormals()) {
                LOG.warn(
                        "a native library has made this thread take very small numbers for zero, so small half-precision weights"
                                + " are lost; load the model before that library or in another thread, or run Java 21 or newer");
            }
        }
        Checkpoint checkpoint = null;
        try {
            Blip2Config config = Blip2Config.fromPretrained(directory);
            checkpoint = Checkpoint.open(directory, config.tiedWeights());
            Optional<String> adapter = CheckpointFolder.adapter(directory);
            if (adapter.isPresent()) {
                LOG.warn("{}; the model beside it is used without it", adapter.get());
            }
            if (checkpoint.contains("itm_head.weight") && !checkpoint.contains("language_projection.weight")) {
                throw new UnsupportedModelException(directory + ": expected a checkpoint with a language model, got one"
                        + " for image–text retrieval (itm_head is there, language_projection is not); load one such as"
                        + " Salesforce/blip2-opt-2.7b");
            }
            if (options.memoryCheck()) {
                MemoryEstimate.check(directory, checkpoint, config, options.dtype());
            }
            Blip2Backbone backbone = construct(config, checkpoint, pool, options);
            Set<String> unused = checkpoint.unused();
            if (!unused.isEmpty()) {
                LOG.warn("{}: {} tensors belong to nothing and were ignored: {}", directory, unused.size(), unused);
            }
            return backbone;
        } catch (Throwable e) {
            Failures.close(e, checkpoint);
            Failures.close(e, pool);
            if (e instanceof OutOfMemoryError) {
                throw new InsufficientMemoryException(
                        directory + ": expected memory for the weights, got too little: " + e.getMessage()
                                + "; start Java with a larger heap (-Xmx), or take a smaller dtype such as int8",
                        e);
            }
            throw e;
        }
    }

    private static Blip2Backbone construct(
            Blip2Config config, Checkpoint checkpoint, Parallel pool, LoadOptions options) {
        return pool.call(() -> new Blip2Backbone(config, checkpoint, pool, options));
    }

    /** Does a call's work when its turn has come; see {@link Admission#call}. */
    <T> T admitted(long bytes, Supplier<T> work) {
        return admission.call(bytes, work);
    }

    /** About what pictures of any size need, and rows of text; see {@link MemoryEstimate#ofCall}. */
    long memory(INDArray pixels, long rows, long positions, long scored) {
        long side = config.visionConfig().imageSize();
        long pictures = pixels == null ? 0 : 1 + pixels.length() / (3 * side * side + 1);
        return MemoryEstimate.ofCall(config, pictures, rows, positions, scored);
    }

    long memory(long[][] ids) {
        return ids == null || ids.length == 0 || ids[0] == null ? 0 : memory(null, ids.length, ids[0].length, 0);
    }

    long memory(Blip2Inputs in) {
        if (in == null) {
            return 0; // refused once the work begins
        }
        long[][] ids = in.inputIds();
        long positions = ids == null || ids.length == 0 || ids[0] == null ? 0 : ids[0].length;
        return memory(in.pixelValues(), ids == null ? 0 : ids.length, positions, positions);
    }

    Parallel pool() {
        return pool;
    }

    /** Everything the image side computed. */
    record ImageStages(Tensor visionHidden, Trace visionTrace, Tensor queryOutput, Trace qformerTrace) {}

    /** Takes pictures over, and refuses what cannot be encoded before any work. */
    Tensor pixels(INDArray pixelValues, boolean interpolate) {
        Tensor pixels = Tensors.fromINDArray(pixelValues, "pixelValues");
        visionModel.check(pixels, interpolate);
        return pixels;
    }

    ImageStages encodeImages(Tensor pixels, boolean interpolate, boolean hiddenStates, boolean attentions) {
        Trace visionTrace = new Trace(hiddenStates, attentions);
        Tensor imageEmbeds = visionModel.forward(pixels, interpolate, visionTrace); // [batch, patches + 1, hidden]
        Trace qformerTrace = new Trace(hiddenStates, attentions);
        Tensor queries = queryTokens.repeat(pixels.dim(0)); // [batch, queries, hidden]
        Tensor queryOutput = qformer.forward(queries, imageEmbeds, qformerTrace);
        return new ImageStages(imageEmbeds, visionTrace, queryOutput, qformerTrace);
    }

    /** What the language model reads of pictures: {@code [batch, queries, language hidden]}. */
    Tensor project(ImageStages stages) {
        return languageProjection.forward(stages.queryOutput());
    }

    BaseModelOutputWithPooling visionOutputs(ImageStages stages) {
        return visionModel.output(stages.visionHidden(), stages.visionTrace());
    }

    BaseModelOutputWithPoolingAndCrossAttentions qformerOutputs(ImageStages stages) {
        return qformer.output(stages.queryOutput(), stages.qformerTrace());
    }

    Blip2ForConditionalGenerationModelOutput forward(Blip2Inputs in) {
        checkOpen();
        // 0. everything that can be wrong, before seconds of work
        if (in == null) {
            throw new IllegalArgumentException(
                    "inputs: expected Blip2Inputs, got null; Blip2Inputs.builder() makes them");
        }
        Tensor pixels = pixels(in.pixelValues(), in.interpolatePosEncoding());
        int batch = pixels.dim(0);
        TokenIds.matrix("inputIds", in.inputIds(), batch, -1);
        ImageTextMerger.Text text = merger.check(in.inputIds(), in.attentionMask(), batch, false);
        long[][] labels = labels(in, batch);
        long[][] decoderIds = languageModel.decoderIds(in.decoderInputIds(), labels);
        long[][] decoderMask = decoderMask(in, batch, decoderIds);
        int positions = decoderIds == null ? merger.positions(text) : decoderIds[0].length;
        checkColumns(labels, positions);
        config.textConfig().checkLength(merger.positions(text), 0);
        // 1. vision encoder and Q-Former: pixels → what the language model reads
        ImageStages stages =
                encodeImages(pixels, in.interpolatePosEncoding(), in.outputHiddenStates(), in.outputAttentions());
        // 2. the features take the place of the image tokens
        ImageTextMerger.Merged merged = merger.merge(languageModel.embedTokens(text.ids()), project(stages), text);
        // 3. language model
        LanguageModelOutput output = languageModel.forward(new LanguageModelInputs(
                merged.embeds(),
                merged.attentionMask(),
                decoderIds,
                decoderMask,
                in.outputHiddenStates(),
                in.outputAttentions()));
        Tensor logits = Tensors.fromINDArray(output.logits(), "logits");
        if (labels != null) {
            logits = lastPositions(logits, labels[0].length);
        }
        Float loss = labels == null ? null : CrossEntropyLoss.forward(logits, labels, decoderIds == null);
        return new Blip2ForConditionalGenerationModelOutput(
                loss, Tensors.toINDArray(logits), visionOutputs(stages), qformerOutputs(stages), output);
    }

    private long[][] labels(Blip2Inputs in, int batch) {
        if (in.labels() == null) {
            return null;
        }
        long[][] labels = TokenIds.matrix("labels", in.labels(), batch, -1);
        CrossEntropyLoss.check(labels, config.textConfig().vocabSize());
        return labels;
    }

    private static long[][] decoderMask(Blip2Inputs in, int batch, long[][] decoderIds) {
        if (decoderIds != null) {
            TokenIds.matrix("decoderInputIds", decoderIds, batch, -1);
        }
        if (in.decoderAttentionMask() == null) {
            return null;
        }
        if (decoderIds == null) {
            throw new IllegalArgumentException("decoderAttentionMask: expected none for a decoder-only language model,"
                    + " got " + in.decoderAttentionMask().length + " rows; put it into attentionMask");
        }
        long[][] mask = TokenIds.mask("decoderAttentionMask", in.decoderAttentionMask(), decoderIds);
        TokenIds.checkKept("decoderAttentionMask", mask);
        return mask;
    }

    private static void checkColumns(long[][] labels, int positions) {
        if (labels != null && labels[0].length > positions) {
            throw new IllegalArgumentException("labels: expected at most " + positions
                    + " columns, one for each position, got " + labels[0].length
                    + "; labels belong to the same positions as inputIds (or decoderInputIds)");
        }
    }

    /** Reference: the loss, and the logits returned with it, cover as many positions as there are labels. */
    private static Tensor lastPositions(Tensor logits, int count) {
        int seq = logits.dim(1);
        int vocab = logits.dim(2);
        if (count == seq) {
            return logits;
        }
        Tensor last = Tensor.zeros(logits.dim(0), count, vocab);
        for (int b = 0; b < logits.dim(0); b++) {
            int from = ((b + 1) * seq - count) * vocab;
            System.arraycopy(logits.data(), from, last.data(), b * count * vocab, count * vocab);
        }
        return last;
    }

    INDArray textFeatures(long[][] inputIds, long[][] attentionMask) {
        checkOpen();
        long[][] ids =
                TokenIds.ids("inputIds", inputIds, -1, config.textConfig().vocabSize());
        long[][] mask = TokenIds.mask("attentionMask", attentionMask, ids);
        TokenIds.checkKept("attentionMask", mask);
        return Tensors.toINDArray(languageModel.textFeatures(languageModel.embedTokens(ids), mask));
    }

    INDArray qformerFeatures(INDArray pixelValues, boolean interpolate) {
        checkOpen();
        Tensor pixels = pixels(pixelValues, interpolate);
        return Tensors.toINDArray(
                encodeImages(pixels, interpolate, false, false).queryOutput());
    }

    void checkOpen() {
        if (closed) {
            throw new IllegalStateException("model: expected an open model, got one that was closed; load it again");
        }
        checkpoint.checkLengths();
    }

    @Override
    public void close() {
        closed = true;
        try {
            checkpoint.close();
        } finally {
            pool.close();
            NativeMemory.freeIdle();
        }
    }
}
