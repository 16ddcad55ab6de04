/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.memory.CallMemory;
import io.github.blip2java.memory.InsufficientMemoryException;
import io.github.blip2java.qformer.Blip2QFormerModel;
import io.github.blip2java.vision.Blip2VisionModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * BLIP-2 for retrieval: says how well images and texts belong together (paper section 3.1). Reference:
 * {@code Blip2ForImageTextRetrieval}.
 *
 * <p>ITC, image–text contrast, embeds both sides apart: the cosine of a text with the nearest of an image's query embeddings. ITM,
 * image–text matching, looks at both together: the Q-Former reads queries, text and image, and a head says match or no match. ITC is
 * for finding among many, ITM for being right about few.
 *
 * <p>{@link #forward} is the reference's pass. {@link #encodeImages} and {@link #encodeTexts} encode once what is then compared by
 * {@link #similarities} (ITC) and {@link #match} (both), any number in bounded memory.
 */
public final class Blip2ForImageTextRetrieval extends Blip2PreTrainedModel {
    private static final OpenModel.Reading READING = OpenModel.Reading.of(
            ModelKind.IMAGE_TEXT_RETRIEVAL,
            "vision_model",
            "qformer",
            "embeddings",
            "text_projection",
            "vision_projection",
            "itm_head");

    private final ImageSide imageSide;
    private final QFormerTextSide textSide;
    private final Matcher matcher;

    private Blip2ForImageTextRetrieval(OpenModel open) {
        super(open);
        this.imageSide = new ImageSide(open);
        this.textSide = new QFormerTextSide(open, imageSide.qformer);
        this.matcher = new Matcher(open, imageSide, textSide);
    }

    /**
     * Loads a checkpoint folder as stored.
     *
     * @param directory the folder with config.json and safetensors files
     * @return the model
     * @throws IOException if a file is missing or unreadable
     * @throws io.github.blip2java.checkpoint.MalformedCheckpointException if a file's content is wrong
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if the checkpoint is valid but not one for retrieval
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2ForImageTextRetrieval fromPretrained(Path directory) throws IOException {
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
     * @throws io.github.blip2java.checkpoint.UnsupportedModelException if the checkpoint is valid but not one for retrieval
     * @throws InsufficientMemoryException if there is too little memory for it
     */
    public static Blip2ForImageTextRetrieval fromPretrained(Path directory, LoadOptions options) throws IOException {
        return OpenModel.load(directory, options, READING, Blip2ForImageTextRetrieval::new);
    }

    /** {@return the image encoder} */
    public Blip2VisionModel visionModel() {
        checkOpen();
        return imageSide.visionModel;
    }

    /** {@return the querying transformer, which reads texts too} */
    public Blip2QFormerModel qformer() {
        checkOpen();
        return imageSide.qformer;
    }

    /**
     * Runs the reference's pass.
     *
     * @param inputs                   pixels, ids, mask and what to return; ids with image ids in front where the configuration has an
     *                                 image token, as {@code Blip2Processor.process} makes them from images and texts. Padding must be
     *                                 behind the texts
     * @param useImageTextMatchingHead true for ITM, which takes a text for each image, or several for a single one; false for ITC,
     *                                 which compares every image with every text
     * @return logits, embeddings and every stage's output
     * @throws IllegalArgumentException if a shape or id does not fit, or there are inputs for a language model
     */
    public Blip2ImageTextMatchingModelOutput forward(Blip2Inputs inputs, boolean useImageTextMatchingHead) {
        if (inputs == null) {
            checkOpen();
            throw new IllegalArgumentException(
                    "inputs: expected Blip2Inputs, got null; Blip2Inputs.builder() makes them");
        }
        return admitted(
                memory(inputs.pixelValues(), inputs.inputIds()),
                () -> useImageTextMatchingHead ? matching(inputs) : contrast(inputs));
    }

    private Blip2ImageTextMatchingModelOutput matching(Blip2Inputs in) {
        Tensor pixels = imageSide.pixels(in.pixelValues(), in.interpolatePosEncoding());
        QFormerTextSide.Texts texts = texts(in);
        int[] imageOf = imageOf(pixels.dim(0), texts.rows());
        ImageSide.Kept kept = ImageSide.Kept.asAsked(in);
        // 1. the vision encoder: pixels → image embeddings
        ImageSide.Stage seen = imageSide.see(pixels, in.interpolatePosEncoding(), kept);
        // 2. the Q-Former reads queries and text together, the queries look at the image
        ImageSide.Stage read = matcher.readTogether(texts, seen.output(), kept, imageOf);
        // 3. the matching head on every query, and their mean
        Tensor logitsPerImage = matcher.matchLogits(read.output());
        return output(logitsPerImage, read.output(), seen.output(), read, seen);
    }

    private Blip2ImageTextMatchingModelOutput contrast(Blip2Inputs in) {
        Tensor pixels = imageSide.pixels(in.pixelValues(), in.interpolatePosEncoding());
        QFormerTextSide.Texts texts = texts(in);
        ImageSide.Kept kept = ImageSide.Kept.asAsked(in);
        // 1. the vision encoder, and the queries that look at the image: pixels → image embeddings of length 1
        ImageSide.Stage seen = imageSide.see(pixels, in.interpolatePosEncoding(), kept);
        Tensor imageEmbeds = matcher.project(
                imageSide.query(seen.output(), ImageSide.Kept.NOTHING).output());
        // 2. the Q-Former reads the text alone: its first position → text embedding of length 1
        ImageSide.Stage read = textSide.read(texts, kept);
        Tensor textEmbeds = first(textSide.project(read.output().positions(0, 1)));
        // 3. the cosine of the nearest query
        return output(Matcher.cosines(imageEmbeds, textEmbeds), textEmbeds, imageEmbeds, read, seen);
    }

    private static Tensor first(Tensor position) {
        return position.reshape(position.dim(0), position.cols());
    }

    private Blip2ImageTextMatchingModelOutput output(
            Tensor logits, Tensor textEmbeds, Tensor imageEmbeds, ImageSide.Stage read, ImageSide.Stage seen) {
        return new Blip2ImageTextMatchingModelOutput(
                Tensors.toINDArray(logits),
                Tensors.toINDArray(logits.transpose()),
                Tensors.toINDArray(textEmbeds),
                Tensors.toINDArray(imageEmbeds),
                imageSide.qformerOutput(read),
                imageSide.visionOutput(seen));
    }

    private QFormerTextSide.Texts texts(Blip2Inputs in) {
        if (in.decoderInputIds() != null || in.decoderAttentionMask() != null || in.labels() != null) {
            throw new IllegalArgumentException(
                    "inputs: expected pixels, ids and a mask, got decoder ids, a decoder mask or"
                            + " labels, which are for a language model; leave them out");
        }
        return textSide.checkWithImages(in.inputIds(), in.attentionMask());
    }

    /** Reference: as many texts as images; here a single image also serves any number. */
    private static int[] imageOf(int images, int texts) {
        if (images != 1 && images != texts) {
            throw new IllegalArgumentException("inputIds: expected one row for each of the " + images + " images, got "
                    + texts + "; the matching head takes pairs: for every image with every text call match");
        }
        return IntStream.range(0, texts).map(text -> images == 1 ? 0 : text).toArray();
    }

    /**
     * Encodes images once, for any number of texts.
     *
     * @param pixelValues            {@code [images, 3, height, width]}
     * @param interpolatePosEncoding whether other sizes than the configured one are allowed
     * @return the images
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public RetrievalImages encodeImages(INDArray pixelValues, boolean interpolatePosEncoding) {
        return admitted(memory(pixelValues, null), () -> {
            Tensor pixels = imageSide.pixels(pixelValues, interpolatePosEncoding);
            Tensor imageEmbeds = imageSide
                    .see(pixels, interpolatePosEncoding, ImageSide.Kept.NOTHING)
                    .output();
            Tensor queried =
                    imageSide.query(imageEmbeds, ImageSide.Kept.NOTHING).output();
            int rows = pixels.dim(2) / config().visionConfig().patchSize();
            return new RetrievalImages(imageEmbeds, rows, matcher.project(queried), matcher);
        });
    }

    /**
     * Encodes images once, for any number of texts.
     *
     * @param pixelValues {@code [images, 3, imageSize, imageSize]}
     * @return the images
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public RetrievalImages encodeImages(INDArray pixelValues) {
        return encodeImages(pixelValues, false);
    }

    /**
     * Embeds texts once, for any number of images.
     *
     * @param inputIds      {@code [texts, seq]} without image ids, as {@code Blip2Processor.process} makes them from texts alone
     * @param attentionMask {@code [texts, seq]}, 1 = keep; null for all ones. What it hides is left out, on either side
     * @return the texts
     * @throws IllegalArgumentException if a shape or id does not fit
     */
    public RetrievalTexts encodeTexts(long[][] inputIds, long[][] attentionMask) {
        return admitted(memory(null, inputIds), () -> {
            List<long[]> ids = RowBatches.unpadded(textSide.check(inputIds, attentionMask, null));
            return new RetrievalTexts(ids, matcher.embed(ids), matcher);
        });
    }

    /**
     * Compares every image with every text by their embeddings alone (ITC).
     *
     * @param images from {@link #encodeImages}
     * @param texts  from {@link #encodeTexts}
     * @return cosines {@code [images][texts]}, −1 to 1
     * @throws IllegalArgumentException if another model made them
     */
    public float[][] similarities(RetrievalImages images, RetrievalTexts texts) {
        checkOwn(images, texts);
        return admitted(0, () -> {
            Tensor cosines = Matcher.cosines(images.features(), texts.features());
            int count = texts.size();
            return IntStream.range(0, images.size())
                    .mapToObj(image -> Arrays.copyOfRange(cosines.data(), image * count, (image + 1) * count))
                    .toArray(float[][]::new);
        });
    }

    /**
     * Compares every image with every text by embeddings and by the matching head.
     *
     * @param images from {@link #encodeImages}
     * @param texts  from {@link #encodeTexts}
     * @return {@code [images][texts]}
     * @throws IllegalArgumentException if another model made them
     */
    public List<List<ImageTextMatch>> match(RetrievalImages images, RetrievalTexts texts) {
        checkOwn(images, texts);
        int count = texts.size();
        int pairs = Math.multiplyExact(images.size(), count);
        List<ImageTextMatch> all = match(
                images,
                texts,
                IntStream.range(0, pairs).map(pair -> pair / count).toArray(),
                IntStream.range(0, pairs).map(pair -> pair % count).toArray());
        return IntStream.range(0, images.size())
                .mapToObj(image -> all.subList(image * count, (image + 1) * count))
                .toList();
    }

    /**
     * Compares pairs of an image and a text by embeddings and by the matching head.
     *
     * @param images  from {@link #encodeImages}
     * @param texts   from {@link #encodeTexts}
     * @param imageOf for each pair its image, 0 to images − 1
     * @param textOf  for each pair its text, 0 to texts − 1
     * @return one match a pair
     * @throws IllegalArgumentException if another model made images or texts, or a pair names one that is not there
     */
    public List<ImageTextMatch> match(RetrievalImages images, RetrievalTexts texts, int[] imageOf, int[] textOf) {
        checkOwn(images, texts);
        Matcher.checkPairs(imageOf, images.size(), textOf, texts.size());
        int longest = texts.ids().stream().mapToInt(row -> row.length).max().orElse(0);
        return admitted(CallMemory.ofRetrieval(config(), 0, imageOf.length, longest), () -> {
            Tensor logits = matcher.match(images, texts.ids(), imageOf, textOf);
            List<ImageTextMatch> matches = new ArrayList<>(imageOf.length);
            for (int pair = 0; pair < imageOf.length; pair++) {
                float cosine = Matcher.cosine(images.features(), imageOf[pair], texts.features(), textOf[pair]);
                matches.add(ImageTextMatch.of(cosine, logits.data()[2 * pair], logits.data()[2 * pair + 1]));
            }
            return List.copyOf(matches);
        });
    }

    /**
     * Shows what a text looks at in an image: attention of the queries to the image that raises the logit of a match. It says where an answer
     * of {@link #match} comes from, and means little where that is no. Reference: {@code compute_gradcam} of LAVIS.
     *
     * @param images from {@link #encodeImages}
     * @param texts  from {@link #encodeTexts}
     * @param image  0 to images − 1
     * @param text   0 to texts − 1
     * @return a map for each layer in which queries look at the image, the first layer first: for each head and patch the mean over the
     *     queries of attention probability · max(derivative of the logit by it, 0). {@link AttentionMap#mean(List)} takes them together
     * @throws IllegalArgumentException if another model made images or texts, or there is no such image or text
     */
    public List<AttentionMap> attentionMaps(RetrievalImages images, RetrievalTexts texts, int image, int text) {
        checkOwn(images, texts);
        Matcher.checkPairs(new int[] {image}, images.size(), new int[] {text}, texts.size());
        long[] ids = texts.ids().get(text);
        // Three times a pair: each layer again with its derivatives.
        return admitted(
                CallMemory.ofRetrieval(config(), 0, 3, ids.length),
                () -> matcher.looks(images.imageEmbeds(image), ids).stream()
                        .map(look -> GradCam.map(look, images.rows()))
                        .toList());
    }

    private void checkOwn(RetrievalImages images, RetrievalTexts texts) {
        checkOpen();
        if (images == null || !images.isOf(matcher)) {
            throw new IllegalArgumentException("images: expected images that this model encoded, got "
                    + (images == null ? "null" : "those of another model") + "; encodeImages makes them");
        }
        if (texts == null || !texts.isOf(matcher)) {
            throw new IllegalArgumentException("texts: expected texts that this model encoded, got "
                    + (texts == null ? "null" : "those of another model") + "; encodeTexts makes them");
        }
    }

    /**
     * Embeds images.
     *
     * @param pixelValues            {@code [images, 3, height, width]}
     * @param interpolatePosEncoding whether other sizes than the configured one are allowed
     * @return {@code [images, queries, width]}, each of length 1; as {@code image_embeds} of {@link Blip2VisionModelWithProjection}
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public INDArray getImageFeatures(INDArray pixelValues, boolean interpolatePosEncoding) {
        return encodeImages(pixelValues, interpolatePosEncoding).embeddings();
    }

    /**
     * Embeds images.
     *
     * @param pixelValues {@code [images, 3, imageSize, imageSize]}
     * @return {@code [images, queries, width]}, each of length 1
     * @throws IllegalArgumentException if the shape does not fit, or a value is NaN or infinite
     */
    public INDArray getImageFeatures(INDArray pixelValues) {
        return getImageFeatures(pixelValues, false);
    }

    /**
     * Embeds texts.
     *
     * @param inputIds      {@code [texts, seq]} without image ids
     * @param attentionMask {@code [texts, seq]}, 1 = keep; null for all ones
     * @return {@code [texts, width]}, each of length 1; as position 0 of {@code text_embeds} of {@link Blip2TextModelWithProjection}
     * @throws IllegalArgumentException if a shape or id does not fit
     */
    public INDArray getTextFeatures(long[][] inputIds, long[][] attentionMask) {
        return encodeTexts(inputIds, attentionMask).embeddings();
    }

    /**
     * Embeds images together with texts. Reference: {@code extract_features(mode="multimodal")} of LAVIS's
     * {@code blip2_feature_extractor}.
     *
     * @param pixelValues   {@code [images, 3, imageSize, imageSize]}
     * @param inputIds      {@code [pairs, seq]} as for {@link #forward}: a text for each image, or several for a single one
     * @param attentionMask {@code [pairs, seq]}, 1 = keep; null for all ones
     * @return {@code [pairs, queries, hidden]}: what became of the queries, neither projected nor of length 1
     * @throws IllegalArgumentException if a shape or id does not fit
     */
    public INDArray getMultimodalFeatures(INDArray pixelValues, long[][] inputIds, long[][] attentionMask) {
        return admitted(memory(pixelValues, inputIds), () -> {
            Tensor pixels = imageSide.pixels(pixelValues, false);
            QFormerTextSide.Texts texts = textSide.checkWithImages(inputIds, attentionMask);
            int[] imageOf = imageOf(pixels.dim(0), texts.rows());
            Tensor seen = imageSide.see(pixels, false, ImageSide.Kept.NOTHING).output();
            ImageSide.Stage read = matcher.readTogether(texts, seen, ImageSide.Kept.NOTHING, imageOf);
            return Tensors.toINDArray(matcher.queriesOf(read.output()));
        });
    }

    /**
     * Does several steps as one call of this model, such as preparing pictures, encoding and matching them: they wait for their turn
     * once, before the first, and are never held up between.
     *
     * @param images pictures to encode
     * @param texts  texts, or pairs of a picture and a text, to read
     * @param work   the steps, done on this thread; what it calls of this model is done at once
     * @param <T>    its result
     * @return what {@code work} returns
     * @throws IllegalStateException if the model is closed
     * @throws java.util.concurrent.RejectedExecutionException if as many calls wait as {@link LoadOptions#maxWaiting} allows
     * @throws java.util.concurrent.CancellationException if this thread is interrupted; it stays marked as interrupted
     */
    public <T> T asOneCall(int images, int texts, Supplier<T> work) {
        return admitted(CallMemory.ofRetrieval(config(), images, texts, CallMemory.TEXT_POSITIONS), work);
    }

    private long memory(INDArray pixels, long[][] ids) {
        long rows = ids == null ? 0 : ids.length;
        return CallMemory.ofRetrieval(config(), pictures(pixels), rows, columns(ids));
    }
}
