/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.FloatVectorValues;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.KnnFloatVectorQuery;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.util.VectorUtil;

/**
 * Finds documents in one state of an index. Through the graph of mean embeddings, which leads to nearly all of the nearest; a text is
 * then compared with all embeddings of those. Or, exact, by comparing everything.
 */
final class Finder {
    /**
     * How many the graph is asked for at least: with fewer it misses some. docs/retrieval.md has what was measured.
     */
    private static final int CANDIDATES = 512;

    /** Up to so many, everything is compared: it takes as long. */
    private static final int FEW = 2_000;

    /** Documents that a thread compares at a time. */
    private static final int RANGE = 4096;

    private static final Comparator<Found> WORST_FIRST =
            Comparator.comparing(Found::cosine).thenComparing(Found::doc, Comparator.reverseOrder());

    private final IndexSearcher searcher;
    private final List<LeafReaderContext> leaves;

    Finder(IndexSearcher searcher) {
        this.searcher = searcher;
        this.leaves = searcher.getIndexReader().leaves();
    }

    /** A document, and its cosine with what was looked for. */
    record Found(int doc, float cosine) {}

    /**
     * Finds pictures by a picture's mean embedding.
     *
     * @param embedding {@code [width]}
     * @param best how many
     * @return at most so many, the best first
     */
    List<Found> byPicture(float[] embedding, int best, boolean exact) throws IOException {
        if (exact || areFew(best)) {
            return all(best, leaf -> {
                FloatVectorValues vectors = leaf.getFloatVectorValues(Fields.EMBEDDING);
                return vectors == null
                        ? null
                        : new Compared(vectors, () -> VectorUtil.dotProduct(embedding, vectors.vectorValue()));
            });
        }
        return Arrays.stream(nearest(embedding, best))
                .map(hit -> new Found(hit.doc, 2 * hit.score - 1)) // Lucene's score is (1 + cosine) / 2
                .limit(best)
                .toList();
    }

    /**
     * Finds pictures by a text's embedding: by the largest cosine with one of a picture's embeddings.
     *
     * @param text {@code [width]}
     * @param best how many
     * @return at most so many, the best first
     */
    List<Found> byText(float[] text, int best, boolean exact) throws IOException {
        if (exact || areFew(best)) {
            return all(best, leaf -> compared(leaf, text));
        }
        ScoreDoc[] candidates = nearest(text, best);
        Arrays.sort(candidates, Comparator.comparing(hit -> hit.doc));
        PriorityQueue<Found> kept = new PriorityQueue<>(WORST_FIRST);
        int leaf = -1;
        Compared compared = null;
        for (ScoreDoc hit : candidates) {
            int in = ReaderUtil.subIndex(hit.doc, leaves);
            if (in != leaf) {
                leaf = in;
                compared = compared(leaves.get(leaf).reader(), text);
            }
            compared.documents.advance(hit.doc - leaves.get(leaf).docBase);
            add(kept, new Found(hit.doc, compared.cosine.get()), best);
        }
        return sorted(kept);
    }

    private boolean areFew(int best) {
        return searcher.getIndexReader().numDocs() <= Math.max(FEW, best);
    }

    private ScoreDoc[] nearest(float[] embedding, int best) throws IOException {
        int count = Math.max(CANDIDATES, best);
        return searcher.search(new KnnFloatVectorQuery(Fields.EMBEDDING, embedding, count), count).scoreDocs;
    }

    private static Compared compared(LeafReader leaf, float[] text) throws IOException {
        BinaryDocValues queries = leaf.getBinaryDocValues(Fields.QUERIES);
        return queries == null ? null : new Compared(queries, () -> Embeddings.cosine(queries.binaryValue(), text));
    }

    /** Documents of a part of the index, and the cosine of the one where they are. */
    private record Compared(DocIdSetIterator documents, Cosine cosine) {}

    private interface Cosine {
        float get() throws IOException;
    }

    private interface Comparison {
        /** Null where the part has nothing to compare. */
        Compared in(LeafReader leaf) throws IOException;
    }

    private record Range(LeafReaderContext leaf, int from, int to) {}

    private List<Found> all(int best, Comparison comparison) {
        List<Range> ranges = new ArrayList<>();
        for (LeafReaderContext leaf : leaves) {
            int end = leaf.reader().maxDoc();
            for (int from = 0; from < end; from += RANGE) {
                ranges.add(new Range(leaf, from, Math.min(from + RANGE, end)));
            }
        }
        PriorityQueue<Found> kept = new PriorityQueue<>(WORST_FIRST);
        ranges.parallelStream()
                .map(range -> best(range, best, comparison))
                .toList()
                .forEach(some -> some.forEach(found -> add(kept, found, best)));
        return sorted(kept);
    }

    private static PriorityQueue<Found> best(Range range, int best, Comparison comparison) {
        PriorityQueue<Found> kept = new PriorityQueue<>(WORST_FIRST);
        try {
            LeafReader leaf = range.leaf.reader();
            Compared compared = comparison.in(leaf);
            if (compared != null) {
                DocIdSetIterator documents = compared.documents;
                for (int doc = documents.advance(range.from); doc < range.to; doc = documents.nextDoc()) {
                    if (Documents.isAlive(leaf, doc)) {
                        add(kept, new Found(range.leaf.docBase + doc, compared.cosine.get()), best);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return kept;
    }

    private static void add(PriorityQueue<Found> kept, Found found, int best) {
        if (kept.size() < best) {
            kept.add(found);
        } else if (WORST_FIRST.compare(found, kept.peek()) > 0) {
            kept.poll();
            kept.add(found);
        }
    }

    private static List<Found> sorted(PriorityQueue<Found> kept) {
        return kept.stream().sorted(WORST_FIRST.reversed()).toList();
    }
}
