/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.Blip2ForConditionalGeneration;
import io.github.blip2java.ImageEncoding;
import io.github.blip2java.LoadOptions;
import io.github.blip2java.checkpoint.Failures;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.hub.Download;
import io.github.blip2java.hub.ModelSource;
import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageProcessorConfig;
import io.github.blip2java.processor.ImageReader;
import io.github.blip2java.processor.PictureFiles;
import io.github.blip2java.processor.ReadOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;

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
 * <p>To ask several things about one picture, {@link #encode(Image) encode} it once and pass the encoding. Beams, streaming,
 * probabilities and all else that a text can be asked for stand in a {@link Blip2Request}, which {@link #generate} takes.
 *
 * <p>Safe for many threads at once. As many calls compute at once as the model has threads, fewer where the heap is small; the others wait
 * in the order they came, and {@link LoadOptions#withMaxWaiting} limits how many: one too many is a
 * {@link java.util.concurrent.RejectedExecutionException}. Interrupting a thread ends its call soon, with a
 * {@link CancellationException}; the thread stays marked as interrupted.
 */
public final class Blip2Pipeline implements AutoCloseable {
    /** New tokens of a text unless the options set a length. The 20 of {@code transformers} cut many captions off. */
    public static final int DEFAULT_MAX_NEW_TOKENS = 30;

    private final Blip2ForConditionalGeneration model;
    private final Blip2Processor processor;
    private final TextGenerator texts;
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
        ImageProcessorConfig size = processor.imageProcessor().config();
        this.batch = CallMemory.picturesAtATime(model.config().visionConfig(), size.height(), size.width());
        GenerationConfig defaults = limited
                ? options
                : options.toBuilder().maxNewTokens(DEFAULT_MAX_NEW_TOKENS).build();
        this.texts = new TextGenerator(model, processor, defaults, batch);
    }

    /**
     * Loads a model as stored. Nothing is downloaded; {@code load(ModelSource.of(model).resolve(Download.ALWAYS))} does that.
     *
     * @param model a folder, or {@code OWNER/NAME} or {@code OWNER/NAME@REVISION} of a model in the Hugging Face Hub's cache
     * @return the pipeline; close it after use
     * @throws IOException as {@link #load(Path, LoadOptions)}, and when the model is not there
     */
    public static Blip2Pipeline load(String model) throws IOException {
        return load(ModelSource.of(model).resolve(Download.NEVER));
    }

    /**
     * Loads a checkpoint folder as stored.
     *
     * @param directory a folder downloaded from the Hugging Face Hub
     * @return the pipeline; close it after use
     * @throws IOException as {@link #load(Path, LoadOptions)}
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
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException when a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException when the checkpoint is valid but not supported
     * @throws io.github.blip2java.memory.InsufficientMemoryException when there is too little memory for it
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
     * @throws IOException as {@link #load(Path, LoadOptions)}
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

    /** {@return the model, closed with the pipeline that was loaded} */
    public Blip2ForConditionalGeneration model() {
        return model;
    }

    /** {@return the processor, closed with the pipeline that was loaded} */
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
        return texts.encode(List.of(image), GenerationConfig.defaults());
    }

    /**
     * Writes what a request asks for.
     *
     * @param request pictures, prompts or questions, and how to generate
     * @return one text for each prompt, or for each picture where there are no prompts, in the same order
     * @throws IllegalArgumentException when the request has no pictures, the numbers of pictures and prompts do not fit, a question is
     *     blank, a prompt holds the image token or is too long, or options contradict each other
     * @throws IllegalStateException after {@link #close}
     */
    public List<GeneratedText> generate(Blip2Request request) {
        return texts.generate(request);
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
        return generate(Blip2Request.about(image).prompt(prompt).build()).get(0);
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
        return generate(Blip2Request.about(TextGenerator.single(image))
                        .prompt(prompt)
                        .build())
                .get(0);
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
        return generate(Blip2Request.about(image).question(question).build()).get(0);
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
        return generate(Blip2Request.about(TextGenerator.single(image))
                        .question(question)
                        .build())
                .get(0);
    }

    /**
     * Describes several pictures.
     *
     * @param images pictures
     * @return their captions, in the same order
     * @throws IllegalStateException after {@link #close}
     */
    public List<GeneratedText> captions(List<Image> images) {
        return generate(Blip2Request.about(images).build());
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
        generateForFiles(
                files.iterator(), Blip2Request.builder().prompt(prompt).build(), ReadOptions.defaults(), results);
    }

    /**
     * Does with any number of picture files what a request says, in bounded memory, as {@link #captionFiles(List, String, Consumer)} does.
     *
     * @param files picture files, of the formats of {@link ImageReader}, asked for when their turn comes, on this thread
     * @param request what to do with each, which is encoded once for all prompts or questions; its pictures do not count, and its
     *     listener counts those of each list of results from 0
     * @param reading orientation, limits and background
     * @param results hears of some results whenever they are there, on this thread; one result a file, in the same order
     * @throws IllegalArgumentException when {@link #generate} would refuse the request
     * @throws IllegalStateException after {@link #close}
     */
    public void generateForFiles(
            Iterator<Path> files, Blip2Request request, ReadOptions reading, Consumer<List<FileResult>> results) {
        texts.check(request.toBuilder().images(null).build());
        new PictureFiles(processor.imageProcessor(), reading, model.threads(), batch)
                .forEachBatch(files, read -> results.accept(texts.describe(read, request)));
    }

    /**
     * Says how probable given texts about a picture are, such as the possible answers to a question. Picture and prompt are computed once.
     *
     * @param image the picture
     * @param prompt what stands before each text; null or empty for nothing
     * @param candidates one text or more; their ends count too, so that one that goes on is another text
     * @return the texts, the most probable first
     * @throws IllegalArgumentException when there is no candidate, one is blank, a text holds the image token, or prompt and candidate are
     *     too long
     * @throws IllegalStateException after {@link #close}
     */
    public List<ScoredText> score(Image image, String prompt, List<String> candidates) {
        return score(Blip2Request.about(image).prompt(prompt).build(), candidates);
    }

    /**
     * Says how probable given texts are, as {@link #score(Image, String, List)} does.
     *
     * @param request one picture and at most one prompt or question; how to generate does not count
     * @param candidates as there
     * @return the texts, the most probable first
     * @throws IllegalArgumentException as there, or when there are several pictures or prompts
     * @throws IllegalStateException after {@link #close}
     */
    public List<ScoredText> score(Blip2Request request, List<String> candidates) {
        return texts.score(request, candidates);
    }

    /**
     * Begins a conversation about a picture.
     *
     * @param image the picture
     * @return the conversation, without any turn yet
     * @throws IllegalStateException after {@link #close}
     */
    public Talk talk(Image image) {
        return talk(Blip2Request.about(image).build());
    }

    /**
     * Begins a conversation about a picture.
     *
     * @param request one picture, and how to generate; its prompts do not count
     * @return the conversation, without any turn yet
     * @throws IllegalArgumentException when there is not one picture
     * @throws IllegalStateException after {@link #close}
     */
    public Talk talk(Blip2Request request) {
        return new Talk(texts, texts.encoded(request));
    }

    /**
     * Refuses what {@link #generate} would refuse, before a picture is read or encoded.
     *
     * @param request may be without pictures, which then counts as one
     * @throws IllegalArgumentException as {@link #generate} does
     * @throws IllegalStateException after {@link #close}
     */
    public void check(Blip2Request request) {
        texts.check(request);
    }

    /**
     * Shows what each word of a text looks at in a picture. Words that carry the picture look at what they name; of small words the numbers
     * mean little.
     *
     * @param image the picture
     * @param prompt what stood before the text; null or empty for nothing
     * @param text the text, such as one that {@link #caption(Image, String)} returned
     * @return its words, in order
     * @throws IllegalArgumentException when the text has no tokens, the prompt holds the image token, or both are too long
     * @throws IllegalStateException after {@link #close}
     */
    public List<AttendedWord> explain(Image image, String prompt, GeneratedText text) {
        return texts.explain(image, prompt, text);
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
