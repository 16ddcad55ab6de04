/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline;

import io.github.blip2java.RetrievalImages;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The best of any number of pictures that come batch by batch; the others are forgotten. */
final class BestPictures {

    private record Candidate(int index, float cosine, RetrievalImages image) {}

    private final int best;
    private final List<Candidate> kept = new ArrayList<>();
    private int seen;

    BestPictures(int best) {
        this.best = best;
    }

    /** Hears of the next pictures and their cosines. */
    void add(RetrievalImages images, float[] cosines) {
        for (int i = 0; i < cosines.length; i++) {
            kept.add(new Candidate(seen++, cosines[i], images.size() == 1 ? images : images.image(i)));
        }
        kept.sort(Comparator.comparing((Candidate candidate) -> -candidate.cosine())); // equal ones stay in their order
        if (kept.size() > best) {
            kept.subList(best, kept.size()).clear();
        }
    }

    int size() {
        return kept.size();
    }

    /** Which of all pictures are kept, the highest cosine first. */
    int[] indices() {
        return kept.stream().mapToInt(Candidate::index).toArray();
    }

    /** The kept pictures in that order. */
    RetrievalImages join() {
        return RetrievalImages.join(kept.stream().map(Candidate::image).toList());
    }
}
