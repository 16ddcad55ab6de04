/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation;

import io.github.blip2java.generation.search.Frontier;
import io.github.blip2java.generation.search.Search;
import io.github.blip2java.language.DecoderState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Decodes what a search wants to go on with, and tells a listener what is settled, until the search is done or cancelled. */
final class DecodingLoop {
    private final Search search;
    private final LogitsProcessor processor;
    private final Frontier.Kept kept;
    private final TokenListener listener;
    private final Cancellation cancellation;
    /** For each result, the new tokens that the listener has heard of. */
    private final int[] told;

    DecodingLoop(
            Search search,
            int results,
            LogitsProcessor processor,
            Frontier.Kept kept,
            TokenListener listener,
            Cancellation cancellation) {
        this.search = search;
        this.processor = processor;
        this.kept = kept;
        this.listener = listener;
        this.cancellation = cancellation;
        this.told = new int[results];
    }

    /**
     * Runs the search.
     *
     * @param state   the prompts, read; consumed
     * @param prompts the sequence of each row, without new tokens
     * @return what was found: for every prompt, in order, its sequences
     */
    List<Hypothesis> run(DecoderState state, List<Hypothesis> prompts) {
        List<Hypothesis> live = prompts;
        while (!cancellation.isCancelled()) {
            List<Hypothesis> next = search.next(new Frontier(live, state, processor, kept));
            if (next.isEmpty()) {
                List<Hypothesis> results = search.results();
                for (int result = 0; result < told.length; result++) {
                    tell(result, results.get(result), results.get(result).newTokens());
                }
                return results;
            }
            for (int result = 0; result < told.length; result++) {
                List<Hypothesis> candidates = search.candidates(result);
                if (!candidates.isEmpty()) {
                    tell(result, candidates.get(0), settled(candidates));
                }
            }
            if (cancellation.isCancelled()) {
                break; // by the listener; the next step would be for nothing
            }
            int[] rows = next.stream().mapToInt(Hypothesis::parentRow).toArray();
            if (!isIdentity(rows, live.size())) {
                state.select(rows);
            }
            state.advance(next.stream().mapToInt(Hypothesis::lastToken).toArray());
            live = next;
        }
        return cancelled(prompts);
    }

    private static boolean isIdentity(int[] rows, int size) {
        boolean identity = rows.length == size;
        for (int i = 0; i < rows.length && identity; i++) {
            identity = rows[i] == i;
        }
        return identity;
    }

    /** New tokens that all of them begin with. */
    private static int settled(List<Hypothesis> candidates) {
        Hypothesis first = candidates.get(0);
        int common = first.length();
        for (Hypothesis other : candidates.subList(1, candidates.size())) {
            common = Math.min(common, other.length());
            for (int i = first.prefixLength(); i < common; i++) {
                common = first.id(i) == other.id(i) ? common : i;
            }
        }
        return common - first.prefixLength();
    }

    private void tell(int result, Hypothesis hypothesis, int settled) {
        if (settled > told[result]) {
            int[] tokens = Arrays.copyOfRange(hypothesis.tokens(), told[result], settled);
            told[result] = settled;
            listener.onTokens(result, Arrays.stream(tokens).asLongStream().toArray());
        }
    }

    /** What is settled of each sequence; finished ones whole. */
    private List<Hypothesis> cancelled(List<Hypothesis> prompts) {
        List<Hypothesis> results = new ArrayList<>();
        for (int result = 0; result < told.length; result++) {
            List<Hypothesis> candidates = search.candidates(result);
            if (candidates.isEmpty()) {
                results.add(prompts.get(result * prompts.size() / told.length).beginning(0));
            } else if (candidates.size() == 1 && candidates.get(0).finishReason() != null) {
                results.add(candidates.get(0));
            } else {
                results.add(candidates.get(0).beginning(settled(candidates)));
            }
        }
        return results;
    }
}
