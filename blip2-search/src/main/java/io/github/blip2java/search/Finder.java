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
import org.apache.lucene.util.VectorUtil;

/**
 * Finds documents in one state of an index. Where there are many, through the graph of mean embeddings, which leads to nearly
 * all of the nearest; a text is then compared with all embeddings of those. Or, exact, by comparing everything.
 */
final class Finder {
    /** How many by mean embeddings a text is compared with in whole. Source: {@code k_test} of LAVIS. */
    static final int CANDIDATES = 128;

    /** Up to so many pictures, all mean embeddings are compared, which takes as long as the graph does. */
    private static final int WITHOUT_GRAPH = 25_000;

    /** Up to so many, a text is compared with all embeddings of all. */
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
        if (exact || size() <= Math.max(WITHOUT_GRAPH, best)) {
            return all(best, leaf -> {
                FloatVectorValues vectors = leaf.getFloatVectorValues(Fields.EMBEDDING);
                return vectors == null
                        ? null
                        : new Compared(vectors, () -> VectorUtil.dotProduct(embedding, vectors.vectorValue()));
            });
        }
        return nearest(embedding, Math.max(CANDIDATES, best)).stream()
                .limit(best)
                .toList();
    }

    /** Asks the graph. */
    List<Found> nearest(float[] embedding, int count) throws IOException {
        KnnFloatVectorQuery query = new KnnFloatVectorQuery(Fields.EMBEDDING, embedding, count);
        return Arrays.stream(searcher.search(query, count).scoreDocs)
                .map(hit -> new Found(hit.doc, 2 * hit.score - 1)) // Lucene's score is (1 + cosine) / 2
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
        if (exact || size() <= Math.max(FEW, best)) {
            return all(best, leaf -> compared(leaf, text));
        }
        List<Found> candidates = byPicture(text, Math.max(CANDIDATES, best), false).stream()
                .sorted(Comparator.comparing(Found::doc))
                .toList();
        PriorityQueue<Found> kept = new PriorityQueue<>(WORST_FIRST);
        int leaf = -1;
        Compared compared = null;
        for (Found candidate : candidates) {
            int in = ReaderUtil.subIndex(candidate.doc, leaves);
            if (in != leaf) {
                leaf = in;
                compared = compared(leaves.get(leaf).reader(), text);
            }
            compared.documents.advance(candidate.doc - leaves.get(leaf).docBase);
            add(kept, new Found(candidate.doc, compared.cosine.get()), best);
        }
        return sorted(kept);
    }

    private int size() {
        return searcher.getIndexReader().numDocs();
    }

    private static Compared compared(LeafReader leaf, float[] text) throws IOException {
        BinaryDocValues queries = leaf.getBinaryDocValues(Fields.QUERIES);
        float[] row = new float[text.length];
        return queries == null
                ? null
                : new Compared(queries, () -> Embeddings.cosine(queries.binaryValue(), text, row));
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
