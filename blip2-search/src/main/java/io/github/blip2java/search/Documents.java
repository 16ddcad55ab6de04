/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.FloatVectorValues;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.BytesRef;

/** The documents of one state of an index: found by a term, and their {@link Fields} by number. */
final class Documents {
    /** No document. */
    static final int NONE = -1;

    private final IndexReader reader;
    private final List<LeafReaderContext> leaves;

    Documents(IndexReader reader) {
        this.reader = reader;
        this.leaves = reader.leaves();
    }

    /** The first living document with a term, or {@link #NONE}. */
    int find(String field, BytesRef value) throws IOException {
        Term term = new Term(field, value);
        for (LeafReaderContext leaf : leaves) {
            PostingsEnum documents = leaf.reader().postings(term, PostingsEnum.NONE);
            if (documents == null) {
                continue;
            }
            for (int doc = documents.nextDoc(); doc != DocIdSetIterator.NO_MORE_DOCS; doc = documents.nextDoc()) {
                if (isAlive(leaf.reader(), doc)) {
                    return leaf.docBase + doc;
                }
            }
        }
        return NONE;
    }

    static boolean isAlive(LeafReader leaf, int doc) {
        return leaf.getLiveDocs() == null || leaf.getLiveDocs().get(doc);
    }

    boolean isAlive(int doc) {
        LeafReaderContext leaf = leaf(doc);
        return isAlive(leaf.reader(), doc - leaf.docBase);
    }

    /** What is done with a living document. */
    interface Use {
        void accept(int doc) throws IOException;
    }

    void forEach(Use use) throws IOException {
        for (LeafReaderContext leaf : leaves) {
            for (int doc = 0; doc < leaf.reader().maxDoc(); doc++) {
                if (isAlive(leaf.reader(), doc)) {
                    use.accept(leaf.docBase + doc);
                }
            }
        }
    }

    String path(int doc) throws IOException {
        return reader.storedFields().document(doc, Set.of(Fields.PATH)).get(Fields.PATH);
    }

    long number(String field, int doc) throws IOException {
        LeafReaderContext leaf = leaf(doc);
        NumericDocValues values = leaf.reader().getNumericDocValues(field);
        values.advanceExact(doc - leaf.docBase);
        return values.longValue();
    }

    /** A copy of a binary value, or null where the document has none. */
    byte[] bytes(String field, int doc) throws IOException {
        LeafReaderContext leaf = leaf(doc);
        BinaryDocValues values = leaf.reader().getBinaryDocValues(field);
        return values != null && values.advanceExact(doc - leaf.docBase)
                ? BytesRef.deepCopyOf(values.binaryValue()).bytes
                : null;
    }

    /** A copy of the mean embedding, or null where the document has none. */
    float[] embedding(int doc) throws IOException {
        LeafReaderContext leaf = leaf(doc);
        FloatVectorValues vectors = leaf.reader().getFloatVectorValues(Fields.EMBEDDING);
        int here = doc - leaf.docBase;
        return vectors != null && vectors.advance(here) == here
                ? vectors.vectorValue().clone()
                : null;
    }

    private LeafReaderContext leaf(int doc) {
        return leaves.get(ReaderUtil.subIndex(doc, leaves));
    }
}
