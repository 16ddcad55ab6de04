/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.generation.search;

import io.github.blip2java.generation.Hypothesis;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Several prompts, each with a search of its own. A prompt that is done leaves the batch, and none can change what another becomes;
 * the reference, whose batches run on as one, pads the rows of those that are done.
 */
public final class BatchSearch implements Search {
    private final List<Search> searches = new ArrayList<>();
    private final int returned;
    /** For each prompt, its rows of the frontier; 0 when it is done. */
    private final int[] rows;

    /**
     * Starts the searches.
     *
     * @param prompts  how many
     * @param returned sequences that each finds
     * @param search   makes that of a prompt: 0 to prompts - 1
     */
    public BatchSearch(int prompts, int returned, IntFunction<Search> search) {
        for (int prompt = 0; prompt < prompts; prompt++) {
            searches.add(search.apply(prompt));
        }
        this.returned = returned;
        this.rows = new int[prompts];
        Arrays.fill(rows, 1);
    }

    @Override
    public List<Hypothesis> next(Frontier frontier) {
        List<Hypothesis> all = new ArrayList<>();
        int row = 0;
        for (int prompt = 0; prompt < rows.length; prompt++) {
            if (rows[prompt] > 0) {
                List<Hypothesis> next = searches.get(prompt).next(frontier.rows(row, rows[prompt]));
                row += rows[prompt];
                rows[prompt] = next.size();
                all.addAll(next);
            }
        }
        return all;
    }

    @Override
    public List<Hypothesis> results() {
        return searches.stream().flatMap(search -> search.results().stream()).toList();
    }

    @Override
    public List<Hypothesis> candidates(int result) {
        return searches.get(result / returned).candidates(result % returned);
    }
}
