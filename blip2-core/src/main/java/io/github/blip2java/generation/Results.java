/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.language.DecoderPass;
import java.lang.reflect.Array;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Makes the result of what a search found. */
final class Results {
    private final List<Hypothesis> found;
    private final Rules rules;

    private Results(List<Hypothesis> found, Rules rules) {
        this.found = found;
        this.rules = rules;
    }

    static GenerationResult of(List<Hypothesis> found, Rules rules, Frontier.Kept kept) {
        return new Results(found, rules).result(kept);
    }

    private GenerationResult result(Frontier.Kept kept) {
        int longest = found.stream().mapToInt(Hypothesis::newTokens).max().orElse(0);
        long[][] sequences = new long[found.size()][];
        long[][] newTokens = new long[found.size()][];
        for (int row = 0; row < sequences.length; row++) {
            Hypothesis each = found.get(row);
            int[] ids = Arrays.copyOf(each.ids(), each.prefixLength() + longest);
            Arrays.fill(ids, each.length(), ids.length, rules.pad());
            sequences[row] = Arrays.stream(ids).asLongStream().toArray();
            newTokens[row] = Arrays.stream(each.tokens()).asLongStream().toArray();
        }
        return new GenerationResult(
                sequences,
                newTokens,
                found.stream().map(Hypothesis::finishReason).toList(),
                details(kept));
    }

    private GenerationResult.Details details(Frontier.Kept kept) {
        boolean beams = rules.options().mode().hasBeams();
        float[] scores = null;
        int[][] indices = null;
        if (beams) {
            scores = new float[found.size()];
            indices = new int[found.size()][];
            int width = rules.options().get(GenerationOption.NUM_BEAMS);
            for (int row = 0; row < scores.length; row++) {
                scores[row] = (float) found.get(row).score();
                Integer[] parents =
                        steps(found.get(row), Integer.class, each -> each.prompt() * width + each.parentBeam());
                indices[row] =
                        Arrays.stream(parents).mapToInt(Integer::intValue).toArray();
            }
        }
        return new GenerationResult.Details(
                scores,
                indices,
                kept.logProbabilities() ? logProbabilities() : null,
                kept.scores() ? rows(float[][].class, each -> steps(each, float[].class, Hypothesis::scores)) : null,
                kept.logits() ? rows(float[][].class, each -> steps(each, float[].class, Hypothesis::logits)) : null,
                kept.passes()
                        ? rows(DecoderPass[].class, each -> steps(each, DecoderPass.class, Hypothesis::pass))
                        : null);
    }

    private float[][] logProbabilities() {
        return rows(float[].class, each -> {
            Float[] steps = steps(each, Float.class, Hypothesis::logProbability);
            float[] row = new float[steps.length];
            for (int i = 0; i < row.length; i++) {
                row[i] = steps[i];
            }
            return row;
        });
    }

    private <T> T[] rows(Class<T> type, Function<Hypothesis, T> row) {
        T[] rows = array(type, found.size());
        Arrays.setAll(rows, i -> row.apply(found.get(i)));
        return rows;
    }

    /** What is known of each step, from the first new token to the last. */
    private static <T> T[] steps(Hypothesis last, Class<T> type, Function<Hypothesis, T> known) {
        T[] steps = array(type, last.newTokens());
        for (Hypothesis each = last; each.newTokens() > 0; each = each.parent()) {
            steps[each.newTokens() - 1] = known.apply(each);
        }
        return steps;
    }

    @SuppressWarnings("unchecked") // the array is of the class
    private static <T> T[] array(Class<T> type, int length) {
        return (T[]) Array.newInstance(type, length);
    }
}
