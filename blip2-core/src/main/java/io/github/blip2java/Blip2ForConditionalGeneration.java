/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.checkpoint.CheckpointFolder;
import io.github.blip2java.generation.CandidateScorer;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationHooks;
import io.github.blip2java.generation.GenerationResult;
import io.github.blip2java.generation.Generator;
import io.github.blip2java.generation.assisted.Assistant;
import io.github.blip2java.internal.tensor.JavaCpp;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.language.DecoderState;
import io.github.blip2java.language.LanguageModelConfig;
import io.github.blip2java.language.Prompt;
import io.github.blip2java.language.TokenIds;
import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.memory.InsufficientMemoryException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * BLIP-2: an image goes in, and text about it comes out (Li et al. 2023, arXiv 2301.12597).
 *
 * <p>Vision encoder → Q-Former → language projection → OPT or T5. After {@link #close} {@link #generationConfig} answers too.
 * Reference: {@code Blip2ForConditionalGeneration}.
 */
public final class Blip2ForConditionalGeneration extends Blip2WithLanguageModel {
    private final GenerationConfig generationConfig;
    private final Generator generator;

    private Blip2ForConditionalGeneration(OpenModel open, GenerationConfig generationConfig) {
        super(open);
        this.generationConfig = generationConfig;
        this.generator = new Generator(textSide.languageModel, generationConfig);
    }

    /**
     * Loads a checkpoint folder as stored.
     *
     * @param directory the folder with config.json and safetensors files
     * @return the model
     * @throws IOException if a file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if the checkpoint is valid but not supported
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2ForConditionalGeneration fromPretrained(Path directory) throws IOException {
        return fromPretrained(directory, LoadOptions.defaults());
    }

    /**
     * Loads a checkpoint folder.
     *
     * @param directory the folder with config.json and safetensors files
     * @param options   how to keep the weights
     * @return the model
     * @throws IOException if a file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if the checkpoint is valid but not supported
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2ForConditionalGeneration fromPretrained(Path directory, LoadOptions options) throws IOException {
        JavaCpp.prepare(); // before anything of ND4J's
        Path folder = CheckpointFolder.resolve(directory);
        LanguageModelConfig text = Blip2Config.fromPretrained(folder).textConfig();
        GenerationConfig generation = CheckpointGenerationConfig.read(folder, text);
        return OpenModel.load(folder, options, READING, open -> new Blip2ForConditionalGeneration(open, generation));
    }

    /**
     * Gives the checkpoint's own generation options: the end tokens of config.json and generation_config.json together,
     * and the padding token.
     *
     * @return what counts where a call's options leave something unset
     */
    public GenerationConfig generationConfig() {
        return generationConfig;
    }

    /**
     * Encodes pictures once, for any number of prompts.
     *
     * @param pixelValues {@code [batch, 3, imageSize, imageSize]}
     * @return what the language model reads
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public ImageEncoding encodeImages(INDArray pixelValues) {
        return encodeImages(pixelValues, false);
    }

    /**
     * Encodes pictures once, for any number of prompts.
     *
     * @param pixelValues            {@code [batch, 3, height, width]}
     * @param interpolatePosEncoding whether other sizes than the configured one are allowed
     * @return what the language model reads
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public ImageEncoding encodeImages(INDArray pixelValues, boolean interpolatePosEncoding) {
        return admitted(
                memory(pixelValues, 0, 0, 0),
                () -> encode(imageSide.pixels(pixelValues, interpolatePosEncoding), interpolatePosEncoding));
    }

    /**
     * Encodes pictures once, for any number of prompts, without ND4J.
     *
     * @param pixelValues            {@code [batch, 3, height, width]}
     * @param interpolatePosEncoding whether other sizes than the configured one are allowed
     * @return what the language model reads
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public ImageEncoding encodeImages(PixelValues pixelValues, boolean interpolatePosEncoding) {
        if (pixelValues == null) {
            throw new IllegalArgumentException(
                    "pixelValues: expected some, got null; take Blip2ImageProcessor.pixelValues");
        }
        return admitted(
                CallMemory.ofCall(config(), pictures(pixelValues.values().length), 0, 0, 0),
                () -> encode(imageSide.checked(pixelValues.tensor(), interpolatePosEncoding), interpolatePosEncoding));
    }

    private ImageEncoding encode(Tensor pixels, boolean interpolatePosEncoding) {
        return new ImageEncoding(textSide.project(queryOutput(pixels, interpolatePosEncoding)), textSide.merger);
    }

    /**
     * Refuses what {@code generate} would refuse, before a picture is encoded.
     *
     * @param images        number of pictures
     * @param inputIds      as for {@link #generate(ImageEncoding, long[][], long[][], GenerationConfig)}
     * @param attentionMask {@code [batch, seq]}, 1 = keep; null for all ones
     * @param options       lengths and special tokens
     * @throws IllegalArgumentException if a shape, an id or an option does not fit
     */
    public void checkPrompts(int images, long[][] inputIds, long[][] attentionMask, GenerationConfig options) {
        checkOpen();
        check(images, inputIds, attentionMask, options);
    }

    private ImageTextMerger.Text check(
            int images, long[][] inputIds, long[][] attentionMask, GenerationConfig options) {
        ImageTextMerger.Text text = textSide.merger.check(inputIds, attentionMask, images, true);
        generator.check(textSide.merger.longest(text), promptLength(text), options);
        return text;
    }

    private int promptLength(ImageTextMerger.Text text) {
        return textSide.languageModel.promptLength(textSide.merger.positions(text));
    }

    /**
     * Generates text about pictures.
     *
     * @param pixelValues   {@code [batch, 3, imageSize, imageSize]}
     * @param inputIds      {@code [batch, seq]} as Blip2Processor makes them, or null for a caption without a prompt
     * @param attentionMask {@code [batch, seq]}, 1 = keep; null for all ones
     * @param options       lengths and special tokens
     * @return ids and finish reasons
     * @throws IllegalArgumentException if a shape, an id or an option does not fit
     */
    public GenerationResult generate(
            INDArray pixelValues, long[][] inputIds, long[][] attentionMask, GenerationConfig options) {
        long rows = inputIds == null ? rows(pixelValues) : inputIds.length;
        return admitted(memory(pixelValues, rows * sequences(options), positions(inputIds, options), 0), () -> {
            Tensor pixels = imageSide.pixels(pixelValues, false);
            ImageTextMerger.Text text = check(pixels.dim(0), inputIds, attentionMask, options);
            return generate(encode(pixels, false), text, options, GenerationHooks.NONE);
        });
    }

    /**
     * Generates text about pictures that were encoded before.
     *
     * @param images        from {@link #encodeImages(INDArray)}: one for each row of inputIds, or a single one for all
     * @param inputIds      {@code [batch, seq]} as Blip2Processor makes them, padded on either side; or null for a caption
     *                      without a prompt
     * @param attentionMask {@code [batch, seq]}, 1 = keep; null for all ones
     * @param options       lengths and special tokens
     * @return ids and finish reasons
     * @throws IllegalArgumentException if a shape, an id or an option does not fit
     */
    public GenerationResult generate(
            ImageEncoding images, long[][] inputIds, long[][] attentionMask, GenerationConfig options) {
        return generate(images, inputIds, attentionMask, options, GenerationHooks.NONE);
    }

    /**
     * Generates text about pictures that were encoded before, while the caller listens.
     *
     * @param images        as for {@link #generate(ImageEncoding, long[][], long[][], GenerationConfig)}
     * @param inputIds      as there
     * @param attentionMask as there
     * @param options       how to generate
     * @param hooks         what to hear of or to have a say in
     * @return ids and finish reasons
     * @throws IllegalArgumentException if a shape, an id or an option does not fit
     */
    public GenerationResult generate(
            ImageEncoding images,
            long[][] inputIds,
            long[][] attentionMask,
            GenerationConfig options,
            GenerationHooks hooks) {
        checkOpen();
        checkOwn(images);
        int rows = inputIds == null ? images.batch() : inputIds.length;
        return admitted(
                memory(null, rows * sequences(options), positions(inputIds, options), 0),
                () -> generate(images, check(images.batch(), inputIds, attentionMask, options), options, hooks));
    }

    /** Positions of a prompt and of what may follow it, for an estimate: what is wrong with them is told later. */
    private static long positions(long[][] ids, GenerationConfig options) {
        return columns(ids) + newTokens(options);
    }

    private static long rows(INDArray pixels) {
        return pixels == null || pixels.rank() == 0 ? 0 : pixels.size(0);
    }

    /** Sequences that each prompt is continued by at a time. */
    private static long sequences(GenerationConfig options) {
        return options == null ? 1 : options.sequencesAtATime();
    }

    private static long newTokens(GenerationConfig options) {
        if (options == null) {
            return 0;
        }
        Integer limit = options.maxNewTokens() == null ? options.maxLength() : options.maxNewTokens();
        return limit == null ? CallMemory.TEXT_POSITIONS : Math.max(0, limit);
    }

    private GenerationResult generate(
            ImageEncoding images, ImageTextMerger.Text text, GenerationConfig options, GenerationHooks hooks) {
        Generator.Prompts prompts = new Generator.Prompts(
                prompt(images, text),
                textSide.languageModel.prefix(text.ids()),
                textSide.merger.textIds(text),
                promptLength(text));
        return generator.generate(prompts, options, hooks);
    }

    private Prompt prompt(ImageEncoding images, ImageTextMerger.Text text) {
        ImageTextMerger.Merged merged = textSide.merge(text, images.forRows(text.ids().length));
        return Prompt.pack(merged.embeds(), merged.attentionMask());
    }

    private static int[][] candidates(long[][] candidates, int vocab) {
        if (candidates == null || candidates.length == 0) {
            throw new IllegalArgumentException("candidates: expected one or more, got none");
        }
        int[][] ids = new int[candidates.length][];
        for (int c = 0; c < ids.length; c++) {
            if (candidates[c] == null || candidates[c].length == 0) {
                throw new IllegalArgumentException(
                        "candidates: expected one id or more in each, got none in candidate " + c);
            }
            ids[c] = TokenIds.flatten(TokenIds.ids("candidates", new long[][] {candidates[c]}, 1, vocab));
        }
        return ids;
    }

    private void checkOwn(ImageEncoding images) {
        if (images == null || !images.isOf(textSide.merger)) {
            throw new IllegalArgumentException("images: expected pictures that this model encoded, got "
                    + (images == null ? "null" : "those of another model") + "; encodeImages makes them");
        }
    }

    /**
     * Lets this model guess for a larger one ({@link GenerationHooks#withAssistant}).
     *
     * @param images        pictures that this model encoded, as for {@link #generate(ImageEncoding, long[][], long[][], GenerationConfig)}
     * @param inputIds      the prompts that the other model gets
     * @param attentionMask their mask, or null
     * @return reads these prompts when asked to; this model must stay open
     * @throws IllegalArgumentException if a shape or an id does not fit
     */
    public Assistant asAssistant(ImageEncoding images, long[][] inputIds, long[][] attentionMask) {
        checkOpen();
        checkOwn(images);
        ImageTextMerger.Text text = textSide.merger.check(inputIds, attentionMask, images.batch(), true);
        Prompt prompts = prompt(images, text);
        return new Assistant() {
            @Override
            public int vocabSize() {
                return config().textConfig().vocabSize();
            }

            @Override
            public DecoderState start(int prompt, int maxNewTokens) {
                checkOpen();
                return textSide.languageModel.start(prompts.sequence(prompt), maxNewTokens);
            }
        };
    }

    /**
     * Says how probable given continuations of one prompt are. Picture and prompt are computed once.
     *
     * @param image         one picture, from {@link #encodeImages(INDArray)}
     * @param inputIds      {@code [1, seq]}, or null for no prompt
     * @param attentionMask {@code [1, seq]}, 1 = keep; null for all ones
     * @param candidates    {@code [candidates][length]}: ids that may follow, one or more each; an end token counts only where it is given
     * @return {@code [candidates][length]}: the logarithm of the probability of each id after the prompt and the ids before it
     * @throws IllegalArgumentException if a shape or an id does not fit, or prompt and candidate are longer than the model allows
     */
    public float[][] score(ImageEncoding image, long[][] inputIds, long[][] attentionMask, long[][] candidates) {
        checkOpen();
        checkOwn(image);
        int vocab = config().textConfig().vocabSize();
        int[][] ids = candidates(candidates, vocab);
        int longest = Arrays.stream(ids).mapToInt(row -> row.length).max().orElse(0);
        return admitted(memory(null, ids.length, columns(inputIds) + longest, 0), () -> {
            ImageTextMerger.Text text = textSide.merger.check(inputIds, attentionMask, image.batch(), true);
            if (text.ids().length != 1) {
                throw new IllegalArgumentException("inputIds: expected one prompt about one picture, got "
                        + text.ids().length + "; score each prompt by itself");
            }
            config().textConfig().checkLength(textSide.merger.longest(text), longest);
            return CandidateScorer.score(textSide.languageModel.start(prompt(image, text), longest), ids);
        });
    }

    /**
     * Computes image features at every stage.
     *
     * @param pixelValues            {@code [batch, 3, height, width]}
     * @param interpolatePosEncoding whether other sizes than the configured one are allowed
     * @return the vision encoder's and the Q-Former's outputs, and what the language model reads
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public BaseModelOutputWithVisionQformerOutputs getImageFeatures(
            INDArray pixelValues, boolean interpolatePosEncoding) {
        return admitted(memory(pixelValues, 0, 0, 0), () -> imageFeatures(pixelValues, interpolatePosEncoding));
    }

    private BaseModelOutputWithVisionQformerOutputs imageFeatures(
            INDArray pixelValues, boolean interpolatePosEncoding) {
        Tensor pixels = imageSide.pixels(pixelValues, interpolatePosEncoding);
        ImageSide.Stage seen = imageSide.see(pixels, interpolatePosEncoding, ImageSide.Kept.NOTHING);
        ImageSide.Stage read = imageSide.query(seen.output(), ImageSide.Kept.NOTHING);
        return new BaseModelOutputWithVisionQformerOutputs(
                Tensors.toINDArray(seen.output()),
                Tensors.toINDArray(textSide.project(read.output())),
                imageSide.visionOutput(seen),
                imageSide.qformerOutput(read));
    }

    /**
     * Computes image features at every stage.
     *
     * @param pixelValues {@code [batch, 3, imageSize, imageSize]}
     * @return the vision encoder's and the Q-Former's outputs, and what the language model reads
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public BaseModelOutputWithVisionQformerOutputs getImageFeatures(INDArray pixelValues) {
        return getImageFeatures(pixelValues, false);
    }

    /**
     * Shows what each token of a text looks at in a picture: generated or not, the text is read once more as a whole. Attention says where
     * information could come from, not what decided; tokens that the language alone decides look about.
     *
     * @param pixelValues            {@code [1, 3, height, width]}
     * @param interpolatePosEncoding whether other sizes than the configured one are allowed
     * @param inputIds               the prompt {@code [1, seq]}, or null for no prompt
     * @param attentionMask          {@code [1, seq]}, 1 = keep; null for all ones
     * @param newTokens              ids that follow it, one or more, such as a row of {@link GenerationResult#newTokens}
     * @return for each of them a map with the heads of the language model: the mean over its layers of the attention to the queries (for
     *     T5 that of the decoder to the queries' positions in the encoder), where the token is predicted, times the mean over the layers
     *     and heads of the Q-Former of the queries' attention to the patches. A head's numbers sum up to 1 at most: what is missing is
     *     attention to text and to the class token
     * @throws IllegalArgumentException if a shape or id does not fit, or prompt and tokens are longer than the model allows
     */
    public List<AttentionMap> attentionMaps(
            INDArray pixelValues,
            boolean interpolatePosEncoding,
            long[][] inputIds,
            long[][] attentionMask,
            long[] newTokens) {
        checkOpen();
        if (newTokens == null || newTokens.length == 0) {
            throw new IllegalArgumentException(
                    "newTokens: expected one id or more, got none; pass what generate returned");
        }
        int vocab = config().textConfig().vocabSize();
        int[] tokens = TokenIds.flatten(TokenIds.ids("newTokens", new long[][] {newTokens}, 1, vocab));
        long positions = columns(inputIds) + tokens.length;
        return admitted(memory(pixelValues, 1, positions, positions), () -> {
            Tensor pixels = imageSide.pixels(pixelValues, interpolatePosEncoding);
            ImageTextMerger.Text prompt = textSide.merger.check(inputIds, attentionMask, pixels.dim(0), false);
            if (prompt.ids().length != 1) {
                throw new IllegalArgumentException(
                        "pixelValues: expected one picture, got " + prompt.ids().length + "; ask about each by itself");
            }
            config().textConfig().checkLength(textSide.merger.longest(prompt), tokens.length);
            return new WordAttention(imageSide, textSide, config())
                    .maps(pixels, interpolatePosEncoding, prompt, tokens);
        });
    }

    /**
     * Does several steps as one call of this model, such as preparing a picture, encoding it and generating: they wait for their turn
     * once, before the first, and are never held up between.
     *
     * @param rows    pictures, or texts about one
     * @param options how long their texts may be
     * @param work    the steps, done on this thread; what it calls of this model is done at once
     * @param <T>     its result
     * @return what {@code work} returns
     * @throws IllegalStateException if the model is closed
     * @throws java.util.concurrent.RejectedExecutionException if as many calls wait as {@link LoadOptions#maxWaiting} allows
     * @throws java.util.concurrent.CancellationException if this thread is interrupted; it stays marked as interrupted
     */
    public <T> T asOneCall(int rows, GenerationConfig options, Supplier<T> work) {
        return admitted(
                CallMemory.ofCall(
                        config(), rows, rows * sequences(options), CallMemory.TEXT_POSITIONS + newTokens(options), 0),
                work);
    }
}
