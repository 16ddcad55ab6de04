/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search.beam;

import io.github.blip2java.generation.Hypothesis;
import io.github.blip2java.generation.search.Frontier;
import java.util.ArrayList;
import java.util.List;

/**
 * A token that may follow a beam.
 *
 * @param row    the beam's row of the frontier
 * @param token  the token
 * @param sum    the log-probabilities of the beam and of the token
 * @param scores {@code [vocab]}: the processed log-probabilities that the token's is one of
 */
record Continuation(int row, int token, float sum, float[] scores) {

    /**
     * Chooses among all tokens that may follow some beams.
     *
     * @param frontier  a row for each beam; at first one for all
     * @param beams     what goes on
     * @param count     how many to choose
     * @param selection how
     * @return the chosen; fewer where fewer are allowed
     */
    static List<Continuation> choose(Frontier frontier, List<Beam> beams, int count, Selection selection) {
        int vocab = frontier.vocabulary();
        float[][] scores = new float[frontier.size()][];
        float[] sums = new float[beams.size() * vocab];
        for (int beam = 0; beam < beams.size(); beam++) {
            int row = row(frontier, beam);
            if (scores[row] == null) {
                scores[row] = frontier.logProbabilities(row);
            }
            float sum = beams.get(beam).score();
            for (int token = 0; token < vocab; token++) {
                sums[beam * vocab + token] = scores[row][token] + sum;
            }
        }
        List<Continuation> chosen = new ArrayList<>();
        for (int i : selection.choose(sums, count)) {
            int row = row(frontier, i / vocab);
            chosen.add(new Continuation(row, i % vocab, sums[i], scores[row]));
        }
        return chosen;
    }

    private static int row(Frontier frontier, int beam) {
        return Math.min(beam, frontier.size() - 1);
    }

    /** {@return the longer sequence} */
    Hypothesis extend(Frontier frontier) {
        return frontier.extend(row, token, sum, scores);
    }

    /** The longer sequence, which an end token ends: the first of them is written, as the reference does, whichever it was. */
    Hypothesis end(Frontier frontier, BeamOptions options) {
        return frontier.extend(row, token, options.eos().get(0), sum, scores);
    }
}
