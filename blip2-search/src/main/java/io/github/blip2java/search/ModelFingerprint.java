/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.lucene.util.VectorUtil;

/**
 * What tells one model's embeddings from another's: shapes, how pictures are prepared, and what the model makes of a fixed text. Where
 * its files lie, how they are split and in which format of numbers does not matter, as long as the embeddings stay nearly the same.
 */
public final class ModelFingerprint {
    /** The text. */
    public static final String PROBE = "a red bicycle beside a cat and two trees";

    /** Rounding to 16 and 8 bits stays above it; other weights do not. */
    private static final float SAME_MODEL = 0.995f;

    private static final String QUERIES = "queries";
    private static final String PICTURES = "pictures";
    private static final String PROBED = "probe";

    private final int queries;
    private final String pictures;
    private final float[] probe;

    /**
     * Describes a model.
     *
     * @param queries embeddings of a picture
     * @param pictures how pictures are prepared, in any words that differ where the preparation does
     * @param probe the embedding {@code [width]} of {@link #PROBE}, of length 1
     */
    public ModelFingerprint(int queries, String pictures, float[] probe) {
        this.queries = queries;
        this.pictures = pictures;
        this.probe = probe.clone();
    }

    /** {@return the number of a picture's embeddings} */
    public int queries() {
        return queries;
    }

    /** {@return the numbers of an embedding} */
    public int width() {
        return probe.length;
    }

    /**
     * Tells whether embeddings of both may stand in one index.
     *
     * @param other another
     * @return whether they are comparable
     */
    public boolean isSameModel(ModelFingerprint other) {
        return queries == other.queries
                && width() == other.width()
                && pictures.equals(other.pictures)
                && VectorUtil.dotProduct(probe, other.probe) >= SAME_MODEL;
    }

    /** As it is kept with an index. */
    Map<String, String> toMap() {
        return Map.of(
                QUERIES,
                String.valueOf(queries),
                PICTURES,
                pictures,
                PROBED,
                IntStream.range(0, probe.length)
                        .mapToObj(i -> String.valueOf(probe[i]))
                        .collect(Collectors.joining(" ")));
    }

    /**
     * Reads {@link #toMap}.
     *
     * @throws IllegalArgumentException when something is missing or no number
     */
    static ModelFingerprint of(Map<String, String> map) {
        if (!map.keySet().containsAll(List.of(QUERIES, PICTURES, PROBED))) {
            throw new IllegalArgumentException(
                    "expected " + List.of(QUERIES, PICTURES, PROBED) + ", got " + map.keySet());
        }
        List<String> numbers = Arrays.asList(map.get(PROBED).split(" "));
        float[] probe = new float[numbers.size()];
        for (int i = 0; i < probe.length; i++) {
            probe[i] = Float.parseFloat(numbers.get(i));
        }
        return new ModelFingerprint(Integer.parseInt(map.get(QUERIES)), map.get(PICTURES), probe);
    }
}
