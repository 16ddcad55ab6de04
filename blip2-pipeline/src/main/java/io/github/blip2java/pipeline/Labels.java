/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Labels for pictures, each with an embedding: the mean of those of its templates, brought to length 1. Reference:
 * {@code zero_shot_classifier} of CLIP.
 *
 * @param names      the labels as given
 * @param embeddings {@code [labels][width]}, each of length 1
 */
record Labels(List<String> names, float[][] embeddings) {
    private static final String PLACE = "{}";

    static Labels embed(List<String> labels, List<String> templates, Function<List<String>, float[][]> embed) {
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
        float[][] all = embed.apply(texts);
        float[][] means = new float[labels.size()][];
        for (int label = 0; label < means.length; label++) {
            means[label] = mean(all, label * templates.size(), (label + 1) * templates.size());
        }
        return new Labels(List.copyOf(labels), means);
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
    List<LabelScore> scores(float[][] queries) {
        float[] cosines = new float[names.size()];
        double sum = 0;
        for (int label = 0; label < cosines.length; label++) {
            cosines[label] = largestCosine(queries, embeddings[label]);
            sum += weight(cosines[label]);
        }
        double all = sum;
        return IntStream.range(0, cosines.length)
                .mapToObj(label ->
                        new LabelScore(names.get(label), cosines[label], (float) (weight(cosines[label]) / all)))
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
