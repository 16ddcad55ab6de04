/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java;

import io.github.blip2java.internal.tensor.Tensor;
import io.github.blip2java.internal.tensor.Tensors;
import io.github.blip2java.language.LanguageModelOutput;
import io.github.blip2java.language.TokenIds;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * From attention in two steps to attention in one: a token looks at the queries, the queries look at the patches.
 *
 * <p>map = (mean over the language model's layers of its attention to the queries) · (mean over the Q-Former's layers and heads of the
 * queries' attention to the patches), head by head of the language model.
 */
final class WordAttention {
    private final ImageSide imageSide;
    private final TextSide textSide;
    private final Blip2Config config;

    WordAttention(ImageSide imageSide, TextSide textSide, Blip2Config config) {
        this.imageSide = imageSide;
        this.textSide = textSide;
        this.config = config;
    }

    /** One map for each of the tokens that follow a prompt about one picture. */
    List<AttentionMap> maps(Tensor pixels, boolean interpolate, ImageTextMerger.Text prompt, int[] tokens) {
        // 1. vision encoder and Q-Former, whose attention to the patches is kept
        ImageSide.Stage seen = imageSide.see(pixels, interpolate, ImageSide.Kept.NOTHING);
        ImageSide.Stage read = imageSide.query(seen.output(), ImageSide.Kept.ATTENTIONS);
        // 2. the language model, whose attention to the queries is kept
        Looks looks = read(prompt, tokens, textSide.project(read.output()));
        // 3. one after the other
        int rows = pixels.dim(2) / config.visionConfig().patchSize();
        return maps(looks, read.trace().crossAttentions(), rows);
    }

    /**
     * How a text attended to what stands before it.
     *
     * @param layers  {@code [1, heads, positions, keys]} each; of an encoder–decoder model the cross-attention
     * @param first   the position that predicts the text's first token; the others follow
     * @param queries for each query the key where it stands
     */
    private record Looks(List<Tensor> layers, int first, int[] queries) {}

    private Looks read(ImageTextMerger.Text prompt, int[] tokens, Tensor features) {
        long[] ids = textSide.merger.unpadded(prompt);
        long[] followed = Arrays.stream(tokens).asLongStream().toArray();
        // An encoder–decoder model reads the text shifted right behind its start token; else all but its last token is
        // appended.
        long[][] decoderIds = textSide.languageModel.decoderIds(null, new long[][] {followed});
        long[] all = decoderIds != null
                ? ids
                : LongStream.concat(Arrays.stream(ids), Arrays.stream(followed, 0, followed.length - 1))
                        .toArray();
        ImageTextMerger.Text text = new ImageTextMerger.Text(new long[][] {all}, TokenIds.ones(1, all.length));
        LanguageModelOutput output = textSide.forward(
                textSide.merge(text, features),
                new TextSide.Checked(text, decoderIds, null, null),
                ImageSide.Kept.ATTENTIONS);
        int first = decoderIds != null ? 0 : textSide.merger.positions(text) - tokens.length;
        return new Looks(
                tensors(decoderIds != null ? output.crossAttentions() : output.attentions()),
                first,
                textSide.merger.queries(ids));
    }

    private static List<Tensor> tensors(List<INDArray> layers) {
        return layers.stream()
                .map(layer -> Tensors.fromINDArray(layer, "attentions"))
                .toList();
    }

    private static List<AttentionMap> maps(Looks looks, List<Tensor> toPatches, int rows) {
        float[][] mean = meanOfQueries(toPatches);
        return IntStream.range(looks.first, looks.layers.get(0).dim(2))
                .mapToObj(position -> map(looks, position, mean, rows))
                .toList();
    }

    /** {@code [queries][patches]}, without the class token. */
    private static float[][] meanOfQueries(List<Tensor> layers) {
        int heads = layers.get(0).dim(1);
        int queries = layers.get(0).dim(2);
        int positions = layers.get(0).dim(3);
        float[][] mean = new float[queries][positions - 1];
        for (Tensor layer : layers) {
            for (int line = 0; line < heads * queries; line++) {
                for (int patch = 0; patch < positions - 1; patch++) {
                    mean[line % queries][patch] += layer.data()[line * positions + 1 + patch] / (heads * layers.size());
                }
            }
        }
        return mean;
    }

    private static AttentionMap map(Looks looks, int position, float[][] toPatches, int rows) {
        List<Tensor> layers = looks.layers;
        int heads = layers.get(0).dim(1);
        int columns = toPatches[0].length / rows;
        float[][][] map = new float[heads][rows][columns];
        for (int head = 0; head < heads; head++) {
            for (int query = 0; query < toPatches.length; query++) {
                float weight = 0;
                for (Tensor layer : layers) {
                    int line = head * layer.dim(2) + position;
                    weight += layer.data()[line * layer.dim(3) + looks.queries[query]] / layers.size();
                }
                for (int patch = 0; patch < rows * columns; patch++) {
                    map[head][patch / columns][patch % columns] += weight * toPatches[query][patch];
                }
            }
        }
        return new AttentionMap(map);
    }
}
