/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.AttentionMap;
import io.github.blip2java.Blip2ForImageTextRetrieval;
import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.LoadOptions;
import io.github.blip2java.RetrievalImages;
import io.github.blip2java.RetrievalTexts;
import io.github.blip2java.checkpoint.Failures;
import io.github.blip2java.hub.Download;
import io.github.blip2java.hub.ModelSource;
import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.processor.Blip2Processor;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageProcessorConfig;
import io.github.blip2java.processor.ProcessorOutput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Says how well pictures and texts belong together: embeds, matches, ranks, searches and classifies. Processor and retrieval model in
 * one.
 *
 * <pre>{@code
 * try (Blip2RetrievalPipeline blip2 = Blip2RetrievalPipeline.load(Path.of("blip2-itm-vit-g"))) {
 *     Image image = ImageReader.read(Path.of("cat.jpg"));
 *     float probability = blip2.match(image, "a cat on a couch").matchProbability();
 *     String best = blip2.classify(image, List.of("cat", "dog")).get(0).label();
 * }
 * }</pre>
 *
 * <p>Methods with lists take any number: pictures are encoded once each, as many together as fit into memory. To compare the same
 * pictures or texts several times, {@link #encode(List) encode} the pictures and {@link #encodeTexts encode} the texts.
 *
 * <p>Texts longer than the model's positions (512 tokens in published checkpoints) are cut, and the log says so once.
 *
 * <p>Safe for many threads at once, which take turns as those of {@link Blip2Pipeline} do.
 */
public final class Blip2RetrievalPipeline implements AutoCloseable {
    /** What a label is put into when there are no other templates. */
    public static final List<String> DEFAULT_TEMPLATES = List.of("a photo of a {}");

    /** How many of the best by cosine are looked at again. Reference: {@code k_test} of LAVIS. */
    public static final int DEFAULT_RERANK = 128;

    private final Blip2ForImageTextRetrieval model;
    private final Blip2Processor processor;
    private final RetrievalTextEncoder texts;
    /** Pictures encoded at a time. */
    private final int batch;

    /**
     * Puts a pipeline together from a model and its processor, which are closed with it.
     *
     * @param model the model
     * @param processor the processor of the same checkpoint
     */
    public Blip2RetrievalPipeline(Blip2ForImageTextRetrieval model, Blip2Processor processor) {
        this.model = model;
        this.processor = processor;
        this.texts = new RetrievalTextEncoder(
                processor, model.config().qformerConfig().maxPositionEmbeddings());
        ImageProcessorConfig size = processor.imageProcessor().config();
        this.batch = CallMemory.picturesAtATime(model.config().visionConfig(), size.height(), size.width());
    }

    /**
     * Loads a model as stored. Nothing is downloaded; {@code load(ModelSource.of(model).resolve(Download.ALWAYS))} does that.
     *
     * @param model a folder, or {@code OWNER/NAME} or {@code OWNER/NAME@REVISION} of a model in the Hugging Face Hub's cache
     * @return the pipeline; close it after use
     * @throws IOException as {@link #load(Path, LoadOptions)}, and when the model is not there
     */
    public static Blip2RetrievalPipeline load(String model) throws IOException {
        return load(ModelSource.of(model).resolve(Download.NEVER));
    }

    /**
     * Loads a checkpoint folder as stored.
     *
     * @param directory a folder downloaded from the Hugging Face Hub
     * @return the pipeline; close it after use
     * @throws IOException as {@link #load(Path, LoadOptions)}
     */
    public static Blip2RetrievalPipeline load(Path directory) throws IOException {
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
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException when the checkpoint is valid but not one for retrieval
     * @throws io.github.blip2java.memory.InsufficientMemoryException when there is too little memory for it
     */
    public static Blip2RetrievalPipeline load(Path directory, LoadOptions options) throws IOException {
        // The processor first: its files are small, so that a missing one shows at once.
        Blip2Processor processor = Blip2Processor.fromPretrained(directory);
        try {
            return new Blip2RetrievalPipeline(Blip2ForImageTextRetrieval.fromPretrained(directory, options), processor);
        } catch (Throwable e) {
            Failures.close(e, processor);
            throw e;
        }
    }

    /** {@return the model, closed with this pipeline} */
    public Blip2ForImageTextRetrieval model() {
        return model;
    }

    /** {@return the processor, closed with this pipeline} */
    public Blip2Processor processor() {
        return processor;
    }

    /**
     * Encodes a picture for any number of calls.
     *
     * @param image the picture
     * @return it as the model reads it, 1.5 MB with published checkpoints
     * @throws IllegalStateException after {@link #close}
     */
    public RetrievalImages encode(Image image) {
        return encode(List.of(image));
    }

    /**
     * Encodes pictures for any number of calls.
     *
     * @param images at least one picture
     * @return them as the model reads them, 1.5 MB each with published checkpoints
     * @throws IllegalArgumentException when there is none
     * @throws IllegalStateException after {@link #close}
     */
    public RetrievalImages encode(List<Image> images) {
        List<RetrievalImages> all = new ArrayList<>();
        forEachBatch(images, all::add);
        return RetrievalImages.join(all);
    }

    /** Encodes pictures, as many together as fit. */
    void forEachBatch(List<Image> images, Consumer<RetrievalImages> encoded) {
        checkSome(images);
        for (int from = 0; from < images.size(); from += batch) {
            encoded.accept(encodeTogether(images.subList(from, Math.min(from + batch, images.size()))));
        }
    }

    private static void checkSome(List<Image> images) {
        if (images == null || images.isEmpty()) {
            throw new IllegalArgumentException("images: expected at least one picture, got "
                    + (images == null ? "null" : "none") + "; pass what the texts are to be compared with");
        }
    }

    private RetrievalImages encodeTogether(List<Image> images) {
        return model.asOneCall(images.size(), 0, () -> {
            INDArray pixels = processor.imageProcessor().preprocess(images);
            int trained = model.config().visionConfig().imageSize();
            // A checkpoint may ask for larger pictures than its position table was trained on.
            boolean interpolate = pixels.size(2) != trained || pixels.size(3) != trained;
            return model.encodeImages(pixels, interpolate);
        });
    }

    /**
     * Embeds texts for any number of calls.
     *
     * @param texts at least one text
     * @return them as the model reads them
     * @throws IllegalArgumentException when there is none, or one is blank or holds the image token
     * @throws IllegalStateException after {@link #close}
     */
    public RetrievalTexts encodeTexts(List<String> texts) {
        RetrievalTextEncoder.check(texts);
        return model.asOneCall(0, texts.size(), () -> {
            ProcessorOutput output = this.texts.encode(texts);
            return model.encodeTexts(output.inputIds(), output.attentionMask());
        });
    }

    /**
     * Embeds texts.
     *
     * @param texts at least one text
     * @return {@code [texts][width]}, each of length 1: 256 numbers with published checkpoints
     * @throws IllegalArgumentException when there is none, or one is blank or holds the image token
     * @throws IllegalStateException after {@link #close}
     */
    public float[][] embedTexts(List<String> texts) {
        RetrievalTexts encoded = encodeTexts(texts);
        return rows(encoded.size(), encoded::embedding);
    }

    /**
     * Embeds pictures, one vector each: for comparing pictures with each other, and for stores that keep one vector a picture. A text
     * compares exactly with {@link RetrievalImages#queryEmbeddings}, of which this is the mean.
     *
     * @param images at least one picture
     * @return {@code [images][width]}, each of length 1
     * @throws IllegalArgumentException when there is none
     * @throws IllegalStateException after {@link #close}
     */
    public float[][] embedImages(List<Image> images) {
        List<float[]> all = new ArrayList<>();
        forEachBatch(images, some -> all.addAll(Arrays.asList(rows(some.size(), some::embedding))));
        return all.toArray(float[][]::new);
    }

    private static float[][] rows(int count, Function<Integer, float[]> row) {
        return IntStream.range(0, count).boxed().map(row).toArray(float[][]::new);
    }

    /**
     * Compares every picture with every text by their embeddings alone: fast, for finding.
     *
     * @param images at least one picture
     * @param texts at least one text
     * @return cosines {@code [images][texts]}
     * @throws IllegalArgumentException when there is no picture or no text, or a text is blank or holds the image token
     * @throws IllegalStateException after {@link #close}
     */
    public float[][] similarities(List<Image> images, List<String> texts) {
        checkSome(images);
        RetrievalTexts encoded = encodeTexts(texts);
        List<float[]> all = new ArrayList<>();
        forEachBatch(images, some -> all.addAll(Arrays.asList(model.similarities(some, encoded))));
        return all.toArray(float[][]::new);
    }

    /**
     * Says how well a picture and a text belong together.
     *
     * @param image the picture
     * @param text the text
     * @return by both measures
     * @throws IllegalArgumentException when the text is blank or holds the image token
     * @throws IllegalStateException after {@link #close}
     */
    public ImageTextMatch match(Image image, String text) {
        return match(List.of(image), Arrays.asList(text)).get(0).get(0);
    }

    /**
     * Compares every picture with every text by both measures. The work is that of pictures times texts; {@link #rank} and
     * {@link #search} look at the best alone.
     *
     * @param images at least one picture
     * @param texts at least one text
     * @return {@code [images][texts]}
     * @throws IllegalArgumentException when there is no picture or no text, or a text is blank or holds the image token
     * @throws IllegalStateException after {@link #close}
     */
    public List<List<ImageTextMatch>> match(List<Image> images, List<String> texts) {
        checkSome(images);
        RetrievalTexts encoded = encodeTexts(texts);
        List<List<ImageTextMatch>> all = new ArrayList<>();
        forEachBatch(images, some -> all.addAll(model.match(some, encoded)));
        return List.copyOf(all);
    }

    /**
     * Shows what a text looks at in a picture: where the answer of {@link #match(Image, String)} comes from. It means little of texts that
     * do not fit.
     *
     * @param image the picture
     * @param text the text
     * @return the mean over all layers of {@link Blip2ForImageTextRetrieval#attentionMaps}, for the whole picture; a
     *     {@link io.github.blip2java.pipeline.heatmap.HeatMap} draws it
     * @throws IllegalArgumentException when the text is blank or holds the image token
     * @throws IllegalStateException after {@link #close}
     */
    public AttentionMap explain(Image image, String text) {
        RetrievalTexts encoded = encodeTexts(Arrays.asList(text));
        return explain(encode(image), encoded, 0, 0);
    }

    /**
     * Shows what a text looks at in a picture, as {@link #explain(Image, String)} does.
     *
     * @param images from {@link #encode(List)}
     * @param texts from {@link #encodeTexts}
     * @param image 0 to images − 1
     * @param text 0 to texts − 1
     * @return the mean over all layers
     * @throws IllegalArgumentException when another model made one of both, or there is no such picture or text
     * @throws IllegalStateException after {@link #close}
     */
    public AttentionMap explain(RetrievalImages images, RetrievalTexts texts, int image, int text) {
        return AttentionMap.mean(model.attentionMaps(images, texts, image, text));
    }

    /**
     * Finds the texts that fit a picture best: all by cosine, then the best of them in the order of
     * {@link ImageTextMatch#rankingScore}.
     *
     * @param image one encoded picture
     * @param texts from {@link #encodeTexts}
     * @param best how many to look at again and to return, at least 1; {@link #DEFAULT_RERANK} is what LAVIS takes
     * @return so many texts, or all where there are fewer, the best first
     * @throws IllegalArgumentException when the encoding holds several pictures, another model made one of both, or best is below 1
     * @throws IllegalStateException after {@link #close}
     */
    public List<RankedMatch> rank(RetrievalImages image, RetrievalTexts texts, int best) {
        if (image.size() != 1) {
            throw new IllegalArgumentException(
                    "image: expected one encoded picture, got " + image.size() + "; take one with image(i)");
        }
        int[] chosen = Ranking.best(model.similarities(image, texts)[0], best);
        return Ranking.of(chosen, model.match(image, texts, new int[chosen.length], chosen));
    }

    /**
     * Finds the texts that fit a picture best, as {@link #rank(RetrievalImages, RetrievalTexts, int)} does.
     *
     * @param image the picture
     * @param texts at least one text
     * @param best how many to look at again and to return, at least 1
     * @return so many texts, or all where there are fewer, the best first
     * @throws IllegalArgumentException when there is no text, one is blank or holds the image token, or best is below 1
     * @throws IllegalStateException after {@link #close}
     */
    public List<RankedMatch> rank(Image image, List<String> texts, int best) {
        Ranking.check(best);
        RetrievalTexts encoded = encodeTexts(texts);
        return rank(encode(image), encoded, best);
    }

    /**
     * Finds the pictures that fit a text best: all by cosine, then the best of them in the order of
     * {@link ImageTextMatch#rankingScore}.
     *
     * @param images encoded pictures
     * @param text the text
     * @param best how many to look at again and to return, at least 1; {@link #DEFAULT_RERANK} is what LAVIS takes
     * @return so many pictures, or all where there are fewer, the best first
     * @throws IllegalArgumentException when another model encoded the pictures, the text is blank or holds the image token, or best is
     *     below 1
     * @throws IllegalStateException after {@link #close}
     */
    public List<RankedMatch> search(RetrievalImages images, String text, int best) {
        Ranking.check(best);
        RetrievalTexts encoded = encodeTexts(Arrays.asList(text));
        int[] chosen = Ranking.best(Ranking.column(model.similarities(images, encoded)), best);
        return Ranking.of(chosen, model.match(images, encoded, chosen, new int[chosen.length]));
    }

    /**
     * Finds the pictures that fit a text best. What the vision encoder made of a picture is kept while it is among the best alone.
     *
     * @param images at least one picture
     * @param text the text
     * @param best how many to look at again and to return, at least 1
     * @return so many pictures, or all where there are fewer, the best first
     * @throws IllegalArgumentException when there is no picture, the text is blank or holds the image token, or best is below 1
     * @throws IllegalStateException after {@link #close}
     */
    public List<RankedMatch> search(List<Image> images, String text, int best) {
        Ranking.check(best);
        RetrievalTexts encoded = encodeTexts(Arrays.asList(text));
        BestPictures kept = new BestPictures(best);
        forEachBatch(images, some -> kept.add(some, Ranking.column(model.similarities(some, encoded))));
        int[] places = IntStream.range(0, kept.size()).toArray();
        List<ImageTextMatch> matches = model.match(kept.join(), encoded, places, new int[places.length]);
        return Ranking.of(kept.indices(), matches);
    }

    /**
     * Sorts a picture into labels that the model was never trained for, with {@link #DEFAULT_TEMPLATES}. For several pictures make a
     * {@link #classifier}, which embeds the labels once.
     *
     * @param image the picture
     * @param labels at least one label
     * @return all labels, the best first
     * @throws IllegalArgumentException when there is no label, or one is blank or holds the image token
     * @throws IllegalStateException after {@link #close}
     */
    public List<LabelScore> classify(Image image, List<String> labels) {
        return classifier(labels, DEFAULT_TEMPLATES).classify(image);
    }

    /**
     * Embeds labels that pictures are to be sorted into.
     *
     * @param labels at least one label
     * @param templates texts with {@code {}} in the place of the label, such as {@code a photo of a {}}, at least one
     * @return what sorts pictures
     * @throws IllegalArgumentException when there is no label or no template, a label is blank or holds the image token, or a template
     *     has no {@code {}}
     * @throws IllegalStateException after {@link #close}
     */
    public ZeroShotClassifier classifier(List<String> labels, List<String> templates) {
        return new ZeroShotClassifier(this, labels, templates);
    }

    /** Closes model and processor. */
    @Override
    public void close() {
        try {
            processor.close();
        } finally {
            model.close();
        }
    }
}
