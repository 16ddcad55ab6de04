/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.processor.Image;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Sorts pictures into labels that the model was never trained for. Each label has an embedding, made once: the mean of those of its
 * templates, brought to length 1. Reference: {@code zero_shot_classifier} of CLIP.
 *
 * <p>Made by {@link Blip2RetrievalPipeline#classifier}, and of use as long as that is open.
 */
public final class ZeroShotClassifier {
    private static final String PLACE = "{}";

    private final Blip2RetrievalPipeline blip2;
    private final List<String> labels;
    /** {@code [labels][width]}, each of length 1. */
    private final float[][] embeddings;

    ZeroShotClassifier(Blip2RetrievalPipeline blip2, List<String> labels, List<String> templates) {
        check("labels", labels);
        check("templates", templates);
        List<String> texts = new ArrayList<>();
        for (String label : labels) {
            for (String template : templates) {
                if (!template.contains(PLACE)) {
                    throw new IllegalArgumentException(
                            "templates: expected " + PLACE + " in the place of the label, got \"" + template
                                    + "\"; such as \"a photo of a " + PLACE + "\"");
                }
                texts.add(template.replace(PLACE, label.strip()));
            }
        }
        float[][] all = blip2.embedTexts(texts);
        this.blip2 = blip2;
        this.labels = List.copyOf(labels);
        this.embeddings = new float[labels.size()][];
        for (int label = 0; label < embeddings.length; label++) {
            embeddings[label] = mean(all, label * templates.size(), (label + 1) * templates.size());
        }
    }

    /** {@return the labels as given} */
    public List<String> labels() {
        return labels;
    }

    /**
     * Sorts a picture into the labels.
     *
     * @param image the picture
     * @return all labels, the best first
     * @throws IllegalStateException after the pipeline was closed
     */
    public List<LabelScore> classify(Image image) {
        return classify(List.of(image)).get(0);
    }

    /**
     * Sorts pictures into the labels; they are encoded as many at a time as fit into memory.
     *
     * @param images at least one picture
     * @return for each picture all labels, the best first
     * @throws IllegalArgumentException when there is no picture
     * @throws IllegalStateException after the pipeline was closed
     */
    public List<List<LabelScore>> classify(List<Image> images) {
        List<List<LabelScore>> all = new ArrayList<>();
        blip2.forEachBatch(images, some -> {
            for (int image = 0; image < some.size(); image++) {
                all.add(scores(some.queryEmbeddings(image)));
            }
        });
        return List.copyOf(all);
    }

    private static void check(String name, List<String> texts) {
        if (texts == null || texts.isEmpty()) {
            throw new IllegalArgumentException(
                    name + ": expected at least one, got " + (texts == null ? "null" : "none") + "; such as "
                            + (name.equals("labels") ? "cat, dog" : "a photo of a " + PLACE));
        }
        for (String text : texts) {
            if (text == null || text.isBlank()) {
                throw new IllegalArgumentException(name + ": expected words, got "
                        + (text == null ? "null" : '"' + text + '"') + "; leave it out");
            }
        }
    }

    private static float[] mean(float[][] rows, int from, int to) {
        double[] sum = new double[rows[from].length];
        for (int row = from; row < to; row++) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += rows[row][i];
            }
        }
        double length = 0;
        for (double value : sum) {
            length += value * value;
        }
        float[] mean = new float[sum.length];
        for (int i = 0; i < mean.length; i++) {
            mean[i] = (float) (sum[i] / Math.max(Math.sqrt(length), 1e-12));
        }
        return mean;
    }

    /** All labels for a picture's query embeddings, the best first. */
    private List<LabelScore> scores(float[][] queries) {
        float[] cosines = new float[labels.size()];
        double sum = 0;
        for (int label = 0; label < cosines.length; label++) {
            cosines[label] = largestCosine(queries, embeddings[label]);
            sum += weight(cosines[label]);
        }
        double all = sum;
        return IntStream.range(0, cosines.length)
                .mapToObj(label ->
                        new LabelScore(labels.get(label), cosines[label], (float) (weight(cosines[label]) / all)))
                .sorted(Comparator.comparing((LabelScore score) -> -score.cosine()))
                .toList();
    }

    /** At most e^14, as a cosine is at most 1. */
    private static double weight(float cosine) {
        return Math.exp(cosine / LabelScore.TEMPERATURE);
    }

    private static float largestCosine(float[][] queries, float[] text) {
        float largest = Float.NEGATIVE_INFINITY;
        for (float[] query : queries) {
            float cosine = 0;
            for (int i = 0; i < text.length; i++) {
                cosine += query[i] * text[i];
            }
            largest = Math.max(largest, cosine);
        }
        return largest;
    }
}
