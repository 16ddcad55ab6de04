/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.processor.Image;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.lucene.util.VectorUtil;

/**
 * A model without weights: a picture file is a word, and each word has embeddings of its own. A text fits the file with the same word
 * best.
 */
final class FakeEncoder implements PictureEncoder {
    static final int WIDTH = 16;
    static final int QUERIES = 3;

    final AtomicInteger encoded = new AtomicInteger();
    private final int model;
    /** Runs before each batch. */
    Runnable before = () -> {};

    FakeEncoder() {
        this(0);
    }

    FakeEncoder(int model) {
        this.model = model;
    }

    @Override
    public ModelFingerprint fingerprint() {
        return new ModelFingerprint(QUERIES, "as they are", encode(ModelFingerprint.PROBE));
    }

    @Override
    public int batchSize() {
        return 4;
    }

    @Override
    public Image read(Path file) throws IOException {
        byte[] word = Files.readAllBytes(file);
        if (new String(word, StandardCharsets.UTF_8).startsWith("broken")) {
            throw new IOException(file + ": expected a picture, got " + word.length + " bytes");
        }
        return Image.ofRgb(word.length, 1, Arrays.copyOf(word, 3 * word.length));
    }

    @Override
    public List<float[][]> encode(List<Image> images) {
        before.run();
        encoded.addAndGet(images.size());
        List<float[][]> all = new ArrayList<>();
        for (Image image : images) {
            float[][] queries = new float[QUERIES][];
            for (int query = 0; query < QUERIES; query++) {
                queries[query] = vector(word(image) + (query == 1 ? "" : "/" + query));
            }
            all.add(queries);
        }
        return all;
    }

    @Override
    public float[] encode(String text) {
        return vector(text);
    }

    @Override
    public List<ImageTextMatch> match(List<Image> images, String text) {
        // The opposite of what cosines say, so that one can tell them apart.
        return images.stream()
                .map(image -> word(image).equals(text)
                        ? match(0.9f, -2)
                        : match(0.1f, word(image).length()))
                .toList();
    }

    private static ImageTextMatch match(float cosine, float logit) {
        return new ImageTextMatch(cosine, (float) (1 / (1 + Math.exp(-logit))), 0, logit);
    }

    private static String word(Image image) {
        return new String(Arrays.copyOf(image.rgb(), image.width()), StandardCharsets.UTF_8);
    }

    private float[] vector(String word) {
        Random random = new Random(31L * word.hashCode() + model);
        float[] vector = new float[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            vector[i] = (float) random.nextGaussian();
        }
        return VectorUtil.l2normalize(vector);
    }
}
