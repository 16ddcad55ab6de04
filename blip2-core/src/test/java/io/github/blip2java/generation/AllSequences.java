/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Every sequence of a small vocabulary with its score, worked out without any search. */
final class AllSequences {
    record Scored(int[] tokens, double score) {}

    private final TableState.Table table;
    private final int vocab;
    private final int end;
    private final int most;
    private final double lengthPenalty;
    private final List<Scored> found = new ArrayList<>();

    private AllSequences(TableState.Table table, int vocab, int end, int most, double lengthPenalty) {
        this.table = table;
        this.vocab = vocab;
        this.end = end;
        this.most = most;
        this.lengthPenalty = lengthPenalty;
    }

    /** All that end with the end token or at the limit, the best first. */
    static List<Scored> best(TableState.Table table, int vocab, int end, int most, double lengthPenalty) {
        AllSequences all = new AllSequences(table, vocab, end, most, lengthPenalty);
        all.extend(new int[0], 0);
        all.found.sort(Comparator.comparing(each -> -each.score));
        return all.found;
    }

    private void extend(int[] tokens, double sum) {
        float[] logits = table.logits(0, tokens);
        double total = 0;
        for (float logit : logits) {
            total += Math.exp(logit);
        }
        for (int token = 0; token < vocab; token++) {
            int[] longer = Arrays.copyOf(tokens, tokens.length + 1);
            longer[tokens.length] = token;
            double longerSum = sum + logits[token] - Math.log(total);
            if (token == end || longer.length == most) {
                found.add(new Scored(longer, longerSum / Math.pow(longer.length, lengthPenalty)));
            } else {
                extend(longer, longerSum);
            }
        }
    }
}
