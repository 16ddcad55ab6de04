/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.kernel.Kernels;
import io.github.blip2java.internal.kernel.Parallel;
import io.github.blip2java.internal.nn.Elementwise;
import io.github.blip2java.internal.nn.Linear;
import io.github.blip2java.internal.nn.Trace;
import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.language.TokenIds;
import io.github.blip2java.qformer.AttentionGradient;
import io.github.blip2java.qformer.Blip2QFormerInputs;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Images beside texts: cosines of their embeddings, and the matching head on both together; any number of either in bounded memory.
 *
 * <p>Keys: {@code vision_projection.*}, {@code itm_head.*}.
 */
final class Matcher {
    private static final Kernels KERNELS = Kernels.get();

    private final Blip2Config config;
    private final ImageSide imageSide;
    private final QFormerTextSide textSide;
    private final Linear visionProjection;
    private final Linear itmHead;

    Matcher(OpenModel model, ImageSide imageSide, QFormerTextSide textSide) {
        this.config = model.config;
        this.imageSide = imageSide;
        this.textSide = textSide;
        this.visionProjection = visionProjection(model);
        int hidden = config.qformerConfig().hiddenSize();
        this.itmHead = model.part("itm_head", weights -> Linear.head(hidden, 2, weights));
    }

    static Linear visionProjection(OpenModel model) {
        int hidden = model.config.qformerConfig().hiddenSize();
        return model.part(
                "vision_projection", weights -> Linear.head(hidden, model.config.imageTextHiddenSize(), weights));
    }

    /** Query outputs {@code [images, queries, hidden]} → embeddings {@code [images, queries, width]}, each of length 1. */
    Tensor project(Tensor queryOutput) {
        return Elementwise.normalize(visionProjection.forward(queryOutput));
    }

    /**
     * Lets queries read images and texts together.
     *
     * @param imageOf for each text its image
     * @return {@code [pairs, queries + seq, hidden]}
     */
    ImageSide.Stage readTogether(QFormerTextSide.Texts texts, Tensor imageEmbeds, ImageSide.Kept kept, int... imageOf) {
        Trace trace = kept.trace();
        Blip2QFormerInputs pairs = Blip2QFormerInputs.pairs(
                imageSide.queries(texts.rows()), textSide.embed(texts), texts.mask(), imageEmbeds, imageOf);
        return new ImageSide.Stage(imageSide.qformer.forward(pairs, trace), trace);
    }

    /** What became of the queries {@code [pairs, queries, hidden]}, which is the embedding of image and text together. */
    Tensor queriesOf(Tensor output) {
        return output.positions(0, config.numQueryTokens());
    }

    /** {@code [pairs, queries + seq, hidden]} → the mean over the queries of their logits {@code [pairs, 2]}: no match, match. */
    Tensor matchLogits(Tensor output) {
        Tensor each = itmHead.forward(queriesOf(output)); // [pairs, queries, 2]
        int queries = each.dim(1);
        Tensor mean = Tensor.zeros(each.dim(0), 2);
        for (int row = 0; row < each.rows(); row++) {
            for (int logit = 0; logit < 2; logit++) {
                mean.data()[row / queries * 2 + logit] += each.data()[row * 2 + logit] / queries;
            }
        }
        return mean;
    }

    /**
     * Compares embeddings.
     *
     * @param images {@code [images, queries, width]}
     * @param texts  {@code [texts, width]}
     * @return {@code [images, texts]}: the largest cosine of an image's queries with the text
     */
    static Tensor cosines(Tensor images, Tensor texts) {
        int count = texts.dim(0);
        Tensor cosines = Tensor.zeros(images.dim(0), count);
        Parallel.forRange(images.dim(0), image -> {
            for (int text = 0; text < count; text++) {
                cosines.data()[image * count + text] = cosine(images, image, texts, text);
            }
        });
        return cosines;
    }

    /** The same for one pair. */
    static float cosine(Tensor images, int image, Tensor texts, int text) {
        int queries = images.dim(1);
        int width = images.dim(2);
        float largest = Float.NEGATIVE_INFINITY;
        for (int query = image * queries; query < (image + 1) * queries; query++) {
            largest = Math.max(largest, KERNELS.dot(images.data(), query * width, texts.data(), text * width, width));
        }
        return largest;
    }

    /**
     * Embeds texts, as many together as fit.
     *
     * @param ids without padding
     * @return {@code [texts, width]}, each of length 1
     */
    Tensor embed(List<long[]> ids) {
        Tensor features = Tensor.zeros(ids.size(), config.imageTextHiddenSize());
        List<RowBatches.Row> rows = IntStream.range(0, ids.size())
                .mapToObj(text -> new RowBatches.Row(text, RowBatches.NO_IMAGE, ids.get(text)))
                .toList();
        for (List<RowBatches.Row> batch : RowBatches.of(rows, config)) {
            Tensor hidden = textSide.read(RowBatches.padded(batch), ImageSide.Kept.NOTHING)
                    .output();
            scatter(textSide.project(hidden.positions(0, 1)), batch, features);
        }
        return features;
    }

    /**
     * Runs the matching head on pairs, as many together as fit.
     *
     * @param imageOf for each pair its image
     * @param textOf  for each pair its text
     * @return {@code [pairs, 2]}: no match, match
     */
    Tensor match(RetrievalImages images, List<long[]> ids, int[] imageOf, int[] textOf) {
        Tensor logits = Tensor.zeros(imageOf.length, 2);
        List<RowBatches.Row> rows = IntStream.range(0, imageOf.length)
                .mapToObj(pair -> new RowBatches.Row(pair, imageOf[pair], ids.get(textOf[pair])))
                .toList();
        for (List<RowBatches.Row> batch : RowBatches.of(rows, config)) {
            int[] seen =
                    batch.stream().mapToInt(RowBatches.Row::image).distinct().toArray();
            int[] place = batch.stream()
                    .mapToInt(row -> Arrays.binarySearch(seen, row.image())) // batches are ordered by image
                    .toArray();
            ImageSide.Stage read =
                    readTogether(RowBatches.padded(batch), images.imageEmbeds(seen), ImageSide.Kept.NOTHING, place);
            scatter(matchLogits(read.output()), batch, logits);
        }
        return logits;
    }

    /**
     * Says how much the logit of a match depends on where the queries looked.
     *
     * @param imageEmbeds {@code [1, patches + 1, vision hidden]}
     * @param ids         of one text, without padding
     * @return one for each layer that looks at the image
     */
    List<AttentionGradient> looks(Tensor imageEmbeds, long[] ids) {
        QFormerTextSide.Texts text = new QFormerTextSide.Texts(new long[][] {ids}, TokenIds.ones(1, ids.length), null);
        Blip2QFormerInputs pair =
                Blip2QFormerInputs.pairs(imageSide.queries(1), textSide.embed(text), text.mask(), imageEmbeds, 0);
        Trace trace = new Trace(true, false);
        Tensor output = imageSide.qformer.forward(pair, trace);
        return imageSide.qformer.backward(pair, trace, byOutput(output.dim(1)));
    }

    /** Derivatives of the logit of a match by the Q-Former's output {@code [1, positions, hidden]}: the mean is over the queries. */
    private Tensor byOutput(int positions) {
        int queries = config.numQueryTokens();
        Tensor byLogits = Tensor.zeros(1, positions, 2);
        for (int query = 0; query < queries; query++) {
            byLogits.data()[2 * query + 1] = 1f / queries;
        }
        return itmHead.backward(byLogits);
    }

    static void checkPairs(int[] imageOf, int images, int[] textOf, int texts) {
        if (imageOf.length != textOf.length) {
            throw new IllegalArgumentException("textOf: expected a text for each of the " + imageOf.length
                    + " images of pairs, got " + textOf.length + "; pair i is image imageOf[i] with text textOf[i]");
        }
        for (int pair = 0; pair < imageOf.length; pair++) {
            if (imageOf[pair] < 0 || imageOf[pair] >= images || textOf[pair] < 0 || textOf[pair] >= texts) {
                throw new IllegalArgumentException("pairs: expected images from 0 to " + (images - 1)
                        + " and texts from 0 to " + (texts - 1) + ", got " + imageOf[pair] + " and " + textOf[pair]
                        + " in pair " + pair + "; numbers are places in what was encoded");
            }
        }
    }

    private static void scatter(Tensor from, List<RowBatches.Row> batch, Tensor to) {
        int cols = to.cols();
        for (int i = 0; i < batch.size(); i++) {
            System.arraycopy(from.data(), i * cols, to.data(), batch.get(i).index() * cols, cols);
        }
    }
}
