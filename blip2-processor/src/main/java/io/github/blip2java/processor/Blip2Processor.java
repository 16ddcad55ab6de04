/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import io.github.blip2java.Blip2Config;
import io.github.blip2java.checkpoint.CheckpointFolder;
import io.github.blip2java.internal.config.ConfigNode;
import io.github.blip2java.internal.config.Limits;
import io.github.blip2java.processor.TextOptions.Side;
import io.github.blip2java.processor.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pictures and texts to what a model reads, and token ids back to text.
 *
 * <p>With images, every text gets the image tokens in front, before its start token and before any padding:
 * {@code [image × queries, padding, start, text]} when padded on the left.
 *
 * <p>Reference class: {@code Blip2Processor}. Safe for many threads at once; closing it closes its tokenizer.
 */
public final class Blip2Processor implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Blip2Processor.class);

    private final Blip2ImageProcessor imageProcessor;
    private final Tokenizer tokenizer;
    private final OptionalInt numQueryTokens;
    private final TextEncoder encoder;

    /**
     * Puts a processor together.
     *
     * @param imageProcessor for pictures
     * @param tokenizer for texts; closed with this processor
     * @param numQueryTokens image tokens of one picture; empty to put none into the texts
     * @param paddingSide where texts are padded unless a call says otherwise: left for a decoder-only language model
     */
    public Blip2Processor(
            Blip2ImageProcessor imageProcessor, Tokenizer tokenizer, OptionalInt numQueryTokens, Side paddingSide) {
        this(imageProcessor, tokenizer, numQueryTokens, paddingSide, tokenizer.padTokenId());
    }

    private Blip2Processor(
            Blip2ImageProcessor imageProcessor,
            Tokenizer tokenizer,
            OptionalInt numQueryTokens,
            Side paddingSide,
            OptionalInt padTokenId) {
        this.imageProcessor = imageProcessor;
        this.tokenizer = tokenizer;
        this.numQueryTokens = numQueryTokens;
        this.encoder = new TextEncoder(tokenizer, numQueryTokens.orElse(0), paddingSide, padTokenId);
    }

    /**
     * Reads the processor of a checkpoint.
     *
     * <p>The number of image tokens stands in {@code processor_config.json} or else in {@code config.json}. A model of
     * the older layout, without an image token in its {@code config.json}, gets texts without image tokens.
     *
     * @param directory the checkpoint's folder, or what {@link CheckpointFolder#resolve} finds it by
     * @return the processor; close it after use
     * @throws IOException when a file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException when a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException when a file asks for what is not supported
     * @throws io.github.blip2java.memory.InsufficientMemoryException when a picture of the size that the files ask for cannot fit
     *     into Java's heap
     */
    public static Blip2Processor fromPretrained(Path directory) throws IOException {
        return read(CheckpointFolder.resolve(directory));
    }

    private static Blip2Processor read(Path directory) throws IOException {
        Blip2ImageProcessor images = Blip2ImageProcessor.fromPretrained(directory);
        Blip2Config model =
                Files.exists(directory.resolve("config.json")) ? Blip2Config.fromPretrained(directory) : null;
        OptionalInt queries = numQueryTokens(directory, model);
        Tokenizer tokenizer = Tokenizer.fromPretrained(directory);
        if (model == null) {
            return new Blip2Processor(images, tokenizer, queries, Side.RIGHT);
        }
        if (queries.isPresent() && model.imageTokenIndex().getAsInt() != tokenizer.imageTokenId()) {
            LOG.warn(
                    "{}: image_token_index is {} in config.json, but the tokenizer's {} is {}; the model will not find its"
                            + " image tokens",
                    directory,
                    model.imageTokenIndex().getAsInt(),
                    tokenizer.imageToken(),
                    tokenizer.imageTokenId());
        }
        // A decoder-only language model continues the last token, which must not be padding. Matching models also name
        // a text_config, but it is their Q-Former that reads the text.
        boolean decoderOnly = !model.textConfig().isEncoderDecoder();
        boolean qformerReadsText = model.qformerConfig().useQformerTextInput();
        Side side = decoderOnly && !qformerReadsText ? Side.LEFT : Side.RIGHT;
        Integer modelPad = model.textConfig().padTokenId();
        OptionalInt pad = tokenizer.padTokenId().isPresent() || modelPad == null
                ? tokenizer.padTokenId()
                : OptionalInt.of(modelPad);
        return new Blip2Processor(images, tokenizer, queries, side, pad);
    }

    private static OptionalInt numQueryTokens(Path directory, Blip2Config model) throws IOException {
        if (model != null && model.imageTokenIndex().isEmpty()) {
            return OptionalInt.empty();
        }
        Path file = directory.resolve("processor_config.json");
        int own = Files.exists(file) ? ConfigNode.read(file).integer("num_query_tokens", 0, 0, Limits.QUERIES) : 0;
        if (own > 0) {
            return OptionalInt.of(own);
        }
        return model == null ? OptionalInt.empty() : OptionalInt.of(model.numQueryTokens());
    }

    /**
     * Returns the part for pictures.
     *
     * @return the image processor
     */
    public Blip2ImageProcessor imageProcessor() {
        return imageProcessor;
    }

    /**
     * Returns the part for texts.
     *
     * @return the tokenizer
     */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /**
     * Returns the number of image tokens of one picture.
     *
     * @return the number; empty when texts get none
     */
    public OptionalInt numQueryTokens() {
        return numQueryTokens;
    }

    /**
     * Prepares pictures, texts or both with the default options: nothing cut, nothing padded.
     *
     * @param images pictures, or null
     * @param texts one text a picture, or null
     * @return what the model reads
     * @throws IllegalArgumentException as {@link #process(List, List, TextOptions)} does
     * @throws IllegalStateException after {@link #close}
     */
    public ProcessorOutput process(List<Image> images, List<String> texts) {
        return process(images, texts, TextOptions.defaults());
    }

    /**
     * Prepares pictures, texts or both.
     *
     * <p>Without texts there are no ids: the model starts from the image alone. The numbers of pictures and texts may
     * differ, for models that compare every picture with every text.
     *
     * @param images pictures, or null
     * @param texts texts, or null
     * @param options how texts are cut and padded
     * @return what the model reads
     * @throws IllegalArgumentException when both are null, a list is empty, a text holds the image token, the maximal
     *     length leaves no room for the image tokens and the special tokens, or padding is asked for and neither
     *     tokenizer nor model names a padding token
     * @throws IllegalStateException after {@link #close}
     */
    public ProcessorOutput process(List<Image> images, List<String> texts, TextOptions options) {
        if (images == null && texts == null) {
            throw new IllegalArgumentException("expected images, texts or both, got neither");
        }
        INDArray pixelValues = images == null ? null : imageProcessor.preprocess(images);
        if (texts == null) {
            return new ProcessorOutput(pixelValues, null, null);
        }
        TextEncoder.Rows rows = encoder.encode(texts, images != null, options);
        return new ProcessorOutput(pixelValues, rows.inputIds(), rows.attentionMask());
    }

    /**
     * Prepares texts about pictures that are encoded already: the ids that {@link #process(List, List, TextOptions)}
     * gives with images, without the work on the images.
     *
     * @param texts at least one text
     * @param options how texts are cut and padded
     * @return token ids, with image tokens in front, and their masks; no pixel values
     * @throws IllegalArgumentException as {@link #process(List, List, TextOptions)} does
     * @throws IllegalStateException after {@link #close}
     */
    public ProcessorOutput prompts(List<String> texts, TextOptions options) {
        TextEncoder.Rows rows = encoder.encode(texts, true, options);
        return new ProcessorOutput(null, rows.inputIds(), rows.attentionMask());
    }

    /**
     * Turns token ids into text, exactly: a caption often begins with a space and ends with a line break.
     *
     * @param ids token ids of 0 or more
     * @param skipSpecialTokens whether to leave out image, start, end and padding tokens
     * @return the text
     * @throws IllegalArgumentException when an id is negative
     * @throws IllegalStateException after {@link #close}
     */
    public String decode(long[] ids, boolean skipSpecialTokens) {
        return tokenizer.decode(ids, skipSpecialTokens);
    }

    /**
     * Turns rows of token ids into texts.
     *
     * @param ids rows of token ids of 0 or more
     * @param skipSpecialTokens whether to leave out image, start, end and padding tokens
     * @return one text a row
     * @throws IllegalArgumentException when an id is negative
     * @throws IllegalStateException after {@link #close}
     */
    public List<String> batchDecode(long[][] ids, boolean skipSpecialTokens) {
        return Arrays.stream(ids).map(row -> decode(row, skipSpecialTokens)).toList();
    }

    /** Closes the tokenizer. */
    @Override
    public void close() {
        tokenizer.close();
    }
}
