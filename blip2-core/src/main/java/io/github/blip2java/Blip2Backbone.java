/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.language.LanguageModel;
import io.github.blip2java.language.LanguageModelConfig;
import io.github.blip2java.language.LanguageModelInputs;
import io.github.blip2java.language.LanguageModelOutput;
import io.github.blip2java.language.TokenIds;
import io.github.blip2java.language.opt.OPTConfig;
import io.github.blip2java.language.opt.OPTForCausalLM;
import io.github.blip2java.language.t5.T5Config;
import io.github.blip2java.language.t5.T5ForConditionalGeneration;
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
import io.github.blip2java.weights.Failures;
import io.github.blip2java.weights.UnsupportedModelException;
import io.github.blip2java.weights.WeightScope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
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
        this.languageModel = languageModel(text, weights.at("language_model"));
        progress.progress("loaded", STAGES, STAGES);
        if (text.hiddenSize() < languageModel.embeddingWidth()) {
            throw new UnsupportedModelException("config.json: text_config: token embeddings of "
                    + languageModel.embeddingWidth() + " are wider than hidden_size " + text.hiddenSize()
                    + ", so image features cannot take their place");
        }
    }

    private static LanguageModel languageModel(LanguageModelConfig text, WeightScope weights) {
        if (text instanceof OPTConfig opt) {
            return new OPTForCausalLM(opt, weights);
        }
        return new T5ForConditionalGeneration((T5Config) text, weights);
    }

    static Blip2Backbone load(Path directory, LoadOptions options) throws IOException {
        JavaCpp.liftPhysicalLimit();
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
            checkpoint = Checkpoint.open(directory);
            Blip2Config config = Blip2Config.fromPretrained(directory);
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
        long[][] ids = in.inputIds();
        long positions = ids == null || ids.length == 0 || ids[0] == null ? 0 : ids[0].length;
        return memory(in.pixelValues(), ids == null ? 0 : ids.length, positions, positions);
    }

    Parallel pool() {
        return pool;
    }

    /** Everything the image side computed. */
    record ImageStages(
            Tensor visionHidden, Trace visionTrace, Tensor queryOutput, Trace qformerTrace, Tensor projected) {}

    ImageStages encodeImages(INDArray pixelValues, boolean interpolate, boolean hiddenStates, boolean attentions) {
        Tensor pixels = Tensors.fromINDArray(pixelValues, "pixelValues");
        Trace visionTrace = new Trace(hiddenStates, attentions);
        Tensor imageEmbeds = visionModel.forward(pixels, interpolate, visionTrace); // [batch, patches + 1, hidden]
        Trace qformerTrace = new Trace(hiddenStates, attentions);
        Tensor queries = repeat(queryTokens, pixels.dim(0)); // [batch, queries, hidden]
        Tensor queryOutput = qformer.forward(queries, imageEmbeds, qformerTrace);
        Tensor projected = languageProjection.forward(queryOutput); // [batch, queries, language hidden]
        return new ImageStages(imageEmbeds, visionTrace, queryOutput, qformerTrace, projected);
    }

    BaseModelOutputWithPooling visionOutputs(ImageStages stages) {
        return visionModel.output(stages.visionHidden(), stages.visionTrace());
    }

    BaseModelOutputWithPoolingAndCrossAttentions qformerOutputs(ImageStages stages) {
        return qformer.output(stages.queryOutput(), stages.qformerTrace());
    }

    Blip2ForConditionalGenerationModelOutput forward(Blip2Inputs in) {
        checkOpen();
        // 1. vision encoder and Q-Former: pixels → what the language model reads
        ImageStages stages = encodeImages(
                in.pixelValues(), in.interpolatePosEncoding(), in.outputHiddenStates(), in.outputAttentions());
        // 2. the features take the place of the image tokens
        int batch = stages.projected().dim(0);
        long[][] ids = TokenIds.matrix("inputIds", in.inputIds(), batch, -1);
        long[][] mask = maskOf("attentionMask", in.attentionMask(), ids);
        ImageTextMerger.Merged merged = merger.merge(languageModel.embedTokens(ids), stages.projected(), ids, mask);
        // 3. language model
        long[][] decoderIds = decoderIds(in, batch);
        long[][] decoderMask = in.decoderAttentionMask() == null
                ? null
                : maskOf("decoderAttentionMask", in.decoderAttentionMask(), decoderIds);
        LanguageModelOutput text = languageModel.forward(new LanguageModelInputs(
                merged.embeds(),
                merged.attentionMask(),
                decoderIds,
                decoderMask,
                in.outputHiddenStates(),
                in.outputAttentions()));
        Tensor logits = Tensors.fromINDArray(text.logits(), "logits");
        if (in.labels() != null) {
            logits = lastPositions(logits, TokenIds.matrix("labels", in.labels(), batch, -1)[0].length);
        }
        Float loss = in.labels() == null
                ? null
                : CrossEntropyLoss.forward(
                        logits, in.labels(), !config.textConfig().isEncoderDecoder());
        return new Blip2ForConditionalGenerationModelOutput(
                loss, Tensors.toINDArray(logits), visionOutputs(stages), qformerOutputs(stages), text);
    }

    private static long[][] maskOf(String name, long[][] mask, long[][] ids) {
        return mask == null
                ? TokenIds.ones(ids.length, ids[0].length)
                : TokenIds.matrix(name, mask, ids.length, ids[0].length);
    }

    long[][] attentionMask(long[][] mask, long[][] ids) {
        return maskOf("attentionMask", mask, ids);
    }

    /** The decoder's tokens, or the labels shifted right behind the start token. Reference: {@code T5._shift_right}. */
    private long[][] decoderIds(Blip2Inputs in, int batch) {
        if (!config.textConfig().isEncoderDecoder()) {
            return null;
        }
        if (in.decoderInputIds() != null || in.labels() == null) {
            return in.decoderInputIds() == null
                    ? null
                    : TokenIds.matrix("decoderInputIds", in.decoderInputIds(), batch, -1);
        }
        long[][] labels = TokenIds.matrix("labels", in.labels(), batch, -1);
        Integer pad = config.textConfig().padTokenId();
        return Arrays.stream(labels)
                .map(row -> {
                    long[] shifted = new long[row.length];
                    shifted[0] = config.textConfig().decoderStartTokenId();
                    for (int i = 1; i < row.length; i++) {
                        shifted[i] = row[i - 1] == CrossEntropyLoss.IGNORE ? (pad == null ? 0 : pad) : row[i - 1];
                    }
                    return shifted;
                })
                .toArray(long[][]::new);
    }

    /** Reference: the loss, and the logits returned with it, cover as many positions as there are labels. */
    private static Tensor lastPositions(Tensor logits, int count) {
        int seq = logits.dim(1);
        int vocab = logits.dim(2);
        if (count > seq) {
            throw new IllegalArgumentException(
                    "labels: expected at most " + seq + " columns, one for each position, got " + count
                            + "; labels belong to the same positions as inputIds (or decoderInputIds)");
        }
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
        long[][] ids = TokenIds.matrix("inputIds", inputIds, -1, -1);
        return Tensors.toINDArray(
                languageModel.textFeatures(languageModel.embedTokens(ids), attentionMask(attentionMask, ids)));
    }

    INDArray qformerFeatures(INDArray pixelValues, boolean interpolate) {
        checkOpen();
        return Tensors.toINDArray(
                encodeImages(pixelValues, interpolate, false, false).queryOutput());
    }

    private static Tensor repeat(Tensor one, int batch) {
        Tensor repeated = Tensor.zeros(batch, one.dim(1), one.dim(2));
        for (int b = 0; b < batch; b++) {
            System.arraycopy(one.data(), 0, repeated.data(), b * one.data().length, one.data().length);
        }
        return repeated;
    }

    void checkOpen() {
        if (closed) {
            throw new IllegalStateException("model: expected an open model, got one that was closed; load it again");
        }
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
