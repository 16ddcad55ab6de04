/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.LoadOptions;
import io.github.blip2java.MemoryEstimate;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.generation.GenerationResult;
import io.github.blip2java.processor.TextOptions.Padding;
import io.github.blip2java.weights.Failures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Captions pictures and answers questions about them: processor and model in one.
 *
 * <pre>{@code
 * try (Blip2Pipeline blip2 = Blip2Pipeline.load(Path.of("blip2-opt-2.7b"))) {
 *     Image image = ImageReader.read(Path.of("cat.jpg"));
 *     String caption = blip2.caption(image).text();
 *     String animal = blip2.answer(image, "which animal is this?").text();
 * }
 * }</pre>
 *
 * <p>Every method returns new text only, never the prompt. A text has at most {@value #DEFAULT_MAX_NEW_TOKENS} new
 * tokens unless {@link #withOptions} says otherwise; {@link GeneratedText#finishReason} tells whether that cut it.
 *
 * <p>To ask several things about one picture, {@link #encode(Image) encode} it once and pass the encoding.
 *
 * <p>Safe for many threads at once. As many calls compute at once as the model has threads, fewer where the heap is small; the others wait
 * in the order they came, and {@link LoadOptions#withMaxWaiting} limits how many: one too many is a
 * {@link java.util.concurrent.RejectedExecutionException}. Interrupting a thread ends its call soon, with a
 * {@link CancellationException}; the thread stays marked as interrupted.
 */
public final class Blip2Pipeline implements AutoCloseable {

    /** New tokens of a text unless the options set a length. The 20 of {@code transformers} cut many captions off. */
    public static final int DEFAULT_MAX_NEW_TOKENS = 30;

    /** The words around a question that the models were trained with; a bare question is often just repeated. */
    private static final String QUESTION = "Question: %s Short answer:";

    private final Blip2ForConditionalGeneration model;
    private final Blip2Processor processor;
    private final GenerationConfig options;
    /** Whether closing this closes model and processor. */
    private final boolean owner;
    /** Pictures encoded at a time. */
    private final int batch;

    /**
     * Puts a pipeline together from a model and its processor, which are closed with it.
     *
     * @param model the model
     * @param processor the processor of the same checkpoint
     */
    public Blip2Pipeline(Blip2ForConditionalGeneration model, Blip2Processor processor) {
        this(model, processor, GenerationConfig.defaults(), true);
    }

    private Blip2Pipeline(
            Blip2ForConditionalGeneration model, Blip2Processor processor, GenerationConfig options, boolean owner) {
        boolean limited = options.maxNewTokens() != null || options.maxLength() != null;
        this.model = model;
        this.processor = processor;
        this.owner = owner;
        this.options = limited
                ? options
                : options.toBuilder().maxNewTokens(DEFAULT_MAX_NEW_TOKENS).build();
        ImageProcessorConfig size = processor.imageProcessor().config();
        this.batch = MemoryEstimate.picturesAtATime(model.config().visionConfig(), size.height(), size.width());
    }

    /**
     * Loads a checkpoint folder as stored.
     *
     * @param directory a folder downloaded from the Hugging Face Hub
     * @return the pipeline; close it after use
     * @throws IOException when a file is missing or unreadable
     * @throws io.github.blip2java.weights.MalformedCheckpointException when a file's content is wrong
     * @throws io.github.blip2java.weights.UnsupportedModelException when the checkpoint is valid but not supported
     * @throws io.github.blip2java.InsufficientMemoryException when there is too little memory for it
     */
    public static Blip2Pipeline load(Path directory) throws IOException {
        return load(directory, LoadOptions.defaults());
    }

    /**
     * Loads a checkpoint folder.
     *
     * @param directory a folder downloaded from the Hugging Face Hub
     * @param options how to keep the weights
     * @return the pipeline; close it after use
     * @throws IOException when a file is missing or unreadable
     * @throws io.github.blip2java.weights.MalformedCheckpointException when a file's content is wrong
     * @throws io.github.blip2java.weights.UnsupportedModelException when the checkpoint is valid but not supported
     * @throws io.github.blip2java.InsufficientMemoryException when there is too little memory for it
     */
    public static Blip2Pipeline load(Path directory, LoadOptions options) throws IOException {
        return load(directory, options, GenerationConfig.defaults());
    }

    /**
     * Loads a checkpoint folder, to generate in a way of one's own.
     *
     * @param directory a folder downloaded from the Hugging Face Hub
     * @param options how to keep the weights
     * @param generation how to generate; where it sets no maximal length, that of this class holds
     * @return the pipeline; close it after use
     * @throws IOException when a file is missing or unreadable
     * @throws io.github.blip2java.weights.MalformedCheckpointException when a file's content is wrong
     * @throws io.github.blip2java.weights.UnsupportedModelException when the checkpoint is valid but not supported
     * @throws io.github.blip2java.InsufficientMemoryException when there is too little memory for it
     */
    public static Blip2Pipeline load(Path directory, LoadOptions options, GenerationConfig generation)
            throws IOException {
        // The processor first: its files are small, so that a missing one shows at once.
        Blip2Processor processor = Blip2Processor.fromPretrained(directory);
        try {
            return new Blip2Pipeline(
                    Blip2ForConditionalGeneration.fromPretrained(directory, options), processor, generation, true);
        } catch (Throwable e) {
            Failures.close(e, processor);
            throw e;
        }
    }

    /**
     * Returns a pipeline over the same model and processor that generates in another way, as cheap as the options of one request. It
     * owns neither: closing it does nothing, and after this pipeline is closed it is refused too.
     *
     * @param newOptions how to generate; where they set no maximal length, that of this class holds
     * @return the other pipeline
     */
    public Blip2Pipeline withOptions(GenerationConfig newOptions) {
        return new Blip2Pipeline(model, processor, newOptions, false);
    }

    /**
     * Returns the model.
     *
     * @return the model, closed with the pipeline that was loaded
     */
    public Blip2ForConditionalGeneration model() {
        return model;
    }

    /**
     * Returns the processor.
     *
     * @return the processor, closed with the pipeline that was loaded
     */
    public Blip2Processor processor() {
        return processor;
    }

    /**
     * Encodes a picture, which is most of the work of a short answer, for any number of calls.
     *
     * @param image the picture
     * @return its encoding
     * @throws IllegalStateException after {@link #close}
     */
    public ImageEncoding encode(Image image) {
        return encode(List.of(image));
    }

    private ImageEncoding encode(List<Image> images) {
        return model.asOneCall(images.size(), options, () -> encodeNow(images));
    }

    private ImageEncoding encodeNow(List<Image> images) {
        INDArray pixels = processor.imageProcessor().preprocess(images);
        int trained = model.config().visionConfig().imageSize();
        // A checkpoint may ask for larger pictures than its position table was trained on.
        boolean interpolate = pixels.size(2) != trained || pixels.size(3) != trained;
        return model.encodeImages(pixels, interpolate);
    }

    /**
     * Describes a picture.
     *
     * @param image the picture
     * @return the caption
     * @throws IllegalStateException after {@link #close}
     */
    public GeneratedText caption(Image image) {
        return caption(image, null);
    }

    /**
     * Describes a picture, beginning with given words.
     *
     * @param image the picture
     * @param prompt how the caption begins, such as {@code a photo of}; null or empty for no beginning
     * @return what follows the prompt
     * @throws IllegalArgumentException when the prompt holds the image token or is too long
     * @throws IllegalStateException after {@link #close}
     */
    public GeneratedText caption(Image image, String prompt) {
        return inBatches(List.of(image), beginning(prompt, 1)).get(0);
    }

    /**
     * Describes a picture that is encoded already.
     *
     * @param image one encoded picture
     * @return the caption
     * @throws IllegalArgumentException when the encoding holds several pictures
     * @throws IllegalStateException after {@link #close}
     */
    public GeneratedText caption(ImageEncoding image) {
        return caption(image, null);
    }

    /**
     * Describes a picture that is encoded already, beginning with given words.
     *
     * @param image one encoded picture
     * @param prompt how the caption begins; null or empty for no beginning
     * @return what follows the prompt
     * @throws IllegalArgumentException when the encoding holds several pictures, or the prompt holds the image token or is
     *     too long
     * @throws IllegalStateException after {@link #close}
     */
    public GeneratedText caption(ImageEncoding image, String prompt) {
        return generate(single(image), inputs(beginning(prompt, 1))).get(0);
    }

    /**
     * Answers a question about a picture. The question is put as {@code Question: … Short answer:}, the words that the
     * models know.
     *
     * @param image the picture
     * @param question the question
     * @return the answer
     * @throws IllegalArgumentException when the question is blank, holds the image token or is too long
     * @throws IllegalStateException after {@link #close}
     */
    public GeneratedText answer(Image image, String question) {
        return answers(List.of(image), Collections.singletonList(question)).get(0);
    }

    /**
     * Answers a question about a picture that is encoded already.
     *
     * @param image one encoded picture
     * @param question the question
     * @return the answer
     * @throws IllegalArgumentException when the encoding holds several pictures, or the question is blank, holds the
     *     image token or is too long
     * @throws IllegalStateException after {@link #close}
     */
    public GeneratedText answer(ImageEncoding image, String question) {
        return answers(image, Collections.singletonList(question)).get(0);
    }

    /**
     * Answers several questions about one picture that is encoded already.
     *
     * @param image one encoded picture
     * @param questions at least one question
     * @return the answers, in the same order
     * @throws IllegalArgumentException when the encoding holds several pictures, there is no question, or one is blank,
     *     holds the image token or is too long
     * @throws IllegalStateException after {@link #close}
     */
    public List<GeneratedText> answers(ImageEncoding image, List<String> questions) {
        return generate(single(image), inputs(asked(questions)));
    }

    /**
     * Describes several pictures.
     *
     * @param images pictures
     * @return their captions, in the same order
     * @throws IllegalStateException after {@link #close}
     */
    public List<GeneratedText> captions(List<Image> images) {
        return captions(images, null);
    }

    /**
     * Describes several pictures, beginning with given words.
     *
     * @param images pictures
     * @param prompt how each caption begins; null or empty for no beginning
     * @return what follows the prompt, in the same order
     * @throws IllegalArgumentException when the prompt holds the image token or is too long
     * @throws IllegalStateException after {@link #close}
     */
    public List<GeneratedText> captions(List<Image> images, String prompt) {
        return inBatches(images, beginning(prompt, images.size()));
    }

    /**
     * Answers one question for each of several pictures.
     *
     * @param images pictures
     * @param questions as many questions
     * @return the answers, in the same order
     * @throws IllegalArgumentException when the numbers differ, or a question is blank, holds the image token or is too
     *     long
     * @throws IllegalStateException after {@link #close}
     */
    public List<GeneratedText> answers(List<Image> images, List<String> questions) {
        if (images.size() != questions.size()) {
            throw new IllegalArgumentException("questions: expected one for each of the " + images.size()
                    + " images, got " + questions.size() + "; to ask several about one image, encode it first");
        }
        return inBatches(images, asked(questions));
    }

    /**
     * Describes several picture files. A file that cannot be read has its error in its result; the others still get
     * their captions.
     *
     * @param files picture files, of the formats of {@link ImageReader}
     * @param prompt how each caption begins; null or empty for no beginning
     * @return one result a file, in the same order
     * @throws IllegalArgumentException when the prompt holds the image token or is too long
     * @throws IllegalStateException after {@link #close}
     */
    public List<FileResult> captionFiles(List<Path> files, String prompt) {
        List<FileResult> results = new ArrayList<>(files.size());
        captionFiles(files, prompt, results::addAll);
        return results;
    }

    /**
     * Describes any number of picture files in bounded memory: while the model describes some of them, the next are read.
     * A file that cannot be read has its error in its result; the others still get their captions.
     *
     * @param files picture files, of the formats of {@link ImageReader}
     * @param prompt how each caption begins; null or empty for no beginning
     * @param results hears of some results whenever they are there, on this thread; one result a file, in the same order
     * @throws IllegalArgumentException when the prompt holds the image token or is too long
     * @throws IllegalStateException after {@link #close}
     */
    public void captionFiles(List<Path> files, String prompt, Consumer<List<FileResult>> results) {
        captionFiles(files, prompt, ReadOptions.defaults(), results);
    }

    /**
     * As {@link #captionFiles(List, String, Consumer)}, with files read in another way.
     *
     * @param files picture files, of the formats of {@link ImageReader}
     * @param prompt how each caption begins; null or empty for no beginning
     * @param reading orientation, limits and background
     * @param results hears of some results whenever they are there, on this thread; one result a file, in the same order
     * @throws IllegalArgumentException when the prompt holds the image token or is too long
     * @throws IllegalStateException after {@link #close}
     */
    public void captionFiles(List<Path> files, String prompt, ReadOptions reading, Consumer<List<FileResult>> results) {
        checkPrompts(beginning(prompt, 1));
        new PictureFiles(processor.imageProcessor(), reading, model.pool(), batch)
                .forEachBatch(files, read -> results.accept(describe(read, prompt)));
    }

    private List<FileResult> describe(List<PictureFiles.ReadFile> files, String prompt) {
        List<Image> images = files.stream()
                .map(PictureFiles.ReadFile::image)
                .filter(Objects::nonNull)
                .toList();
        var texts = captions(images, prompt).iterator();
        return files.stream()
                .map(read -> read.error() == null
                        ? FileResult.of(read.file(), texts.next())
                        : FileResult.failed(read.file(), read.error()))
                .toList();
    }

    private static ImageEncoding single(ImageEncoding image) {
        if (image.batch() != 1) {
            throw new IllegalArgumentException(
                    "image: expected one encoded picture, got " + image.batch() + "; take one with image(i)");
        }
        return image;
    }

    private static List<String> asked(List<String> questions) {
        return questions.stream()
                .map(question -> {
                    if (question == null || question.isBlank()) {
                        throw new IllegalArgumentException("question: expected words, got "
                                + (question == null ? "null" : '"' + question + '"')
                                + "; for a description without a question take caption");
                    }
                    return QUESTION.formatted(question.strip());
                })
                .toList();
    }

    /** The same beginning for several captions; null for none. */
    private static List<String> beginning(String prompt, int captions) {
        return prompt == null || prompt.isEmpty() ? null : Collections.nCopies(captions, prompt);
    }

    /**
     * Refuses prompts that {@link #caption(Image, String)} would refuse, before a picture is read or encoded.
     *
     * @param prompts how captions of one picture would begin; null stands for a caption without a beginning
     * @throws IllegalArgumentException when there is no prompt, one holds the image token, or the model has too few
     *     positions for one and the new tokens
     * @throws IllegalStateException after {@link #close}
     */
    public void checkPrompts(List<String> prompts) {
        check(1, inputs(prompts));
    }

    private void check(int images, ProcessorOutput inputs) {
        model.checkPrompts(images, inputs.inputIds(), inputs.attentionMask(), options);
    }

    /** Generates for pictures, as many at a time as fit. All prompts are checked before the first picture is encoded. */
    private List<GeneratedText> inBatches(List<Image> images, List<String> prompts) {
        List<ProcessorOutput> inputs = new ArrayList<>();
        for (int from = 0; from < images.size(); from += batch) {
            int to = Math.min(from + batch, images.size());
            inputs.add(inputs(prompts == null ? null : prompts.subList(from, to)));
            check(to - from, inputs.get(inputs.size() - 1));
        }
        List<GeneratedText> texts = new ArrayList<>(images.size());
        for (int from = 0; from < images.size(); from += batch) {
            int to = Math.min(from + batch, images.size());
            List<Image> some = images.subList(from, to);
            ProcessorOutput theirs = inputs.get(from / batch);
            texts.addAll(model.asOneCall(some.size(), options, () -> generate(encode(some), theirs)));
        }
        return texts;
    }

    /** One row a prompt; without prompts (null) nothing, as the model starts from the image tokens alone. */
    private ProcessorOutput inputs(List<String> prompts) {
        return prompts == null
                ? new ProcessorOutput(null, null, null)
                : model.asOneCall(
                        prompts.size(),
                        options,
                        () -> processor.prompts(prompts, TextOptions.defaults().withPadding(Padding.LONGEST)));
    }

    /** Generates one text a row; without rows, one a picture. */
    private List<GeneratedText> generate(ImageEncoding images, ProcessorOutput inputs) {
        int rows = inputs.inputIds() == null ? images.batch() : inputs.inputIds().length;
        return model.asOneCall(rows, options, () -> generateNow(images, inputs));
    }

    private List<GeneratedText> generateNow(ImageEncoding images, ProcessorOutput inputs) {
        GenerationResult result = model.generate(images, inputs.inputIds(), inputs.attentionMask(), options);
        long[][] rows = result.newTokens();
        List<GeneratedText> texts = new ArrayList<>();
        for (int row = 0; row < rows.length; row++) {
            texts.add(new GeneratedText(
                    processor.decode(rows[row], true).strip(),
                    Arrays.stream(rows[row]).boxed().toList(),
                    result.finishReasons().get(row)));
        }
        return texts;
    }

    /** Closes model and processor, unless this pipeline was made by {@link #withOptions}. */
    @Override
    public void close() {
        if (!owner) {
            return;
        }
        try {
            processor.close();
        } finally {
            model.close();
        }
    }
}
