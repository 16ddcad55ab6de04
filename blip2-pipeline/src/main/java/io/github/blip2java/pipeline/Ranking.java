/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.ImageTextMatch;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Chooses the best by cosine, and puts them in the order of the matching head. Reference: {@code compute_sim_matrix} of LAVIS. */
final class Ranking {
    private Ranking() {}

    static void check(int best) {
        if (best < 1) {
            throw new IllegalArgumentException("best: expected 1 or more, got " + best + "; it is how many come out, "
                    + Integer.MAX_VALUE + " for all");
        }
    }

    /** What several pictures have with a single text. */
    static float[] column(float[][] similarities) {
        float[] first = new float[similarities.length];
        for (int image = 0; image < first.length; image++) {
            first[image] = similarities[image][0];
        }
        return first;
    }

    /** The places of the highest values, the highest first; equal ones in their order. */
    static int[] best(float[] cosines, int best) {
        check(best);
        return IntStream.range(0, cosines.length)
                .boxed()
                .sorted(Comparator.comparing(i -> -cosines[i]))
                .limit(best)
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** Matches of what stood at some places, the best first. */
    static List<RankedMatch> of(int[] places, List<ImageTextMatch> matches) {
        return IntStream.range(0, places.length)
                .mapToObj(i -> new RankedMatch(places[i], matches.get(i)))
                .sorted(Comparator.comparing(
                        (RankedMatch ranked) -> -ranked.match().rankingScore()))
                .toList();
    }
}
