/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.search.FolderWalk.PictureFile;
import org.apache.lucene.document.BinaryDocValuesField;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field.Store;
import org.apache.lucene.document.KnnFloatVectorField;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.util.BytesRef;

/**
 * The documents of an index, one a picture: what other programs rely on. Described in docs/retrieval.md; a change is a new
 * {@link IndexStore#FORMAT}.
 */
final class Fields {
    /** Path below the folder with {@code /} between names: a term, and stored. One document a path. */
    static final String PATH = "path";

    /** Bytes of the file: a numeric doc value. */
    static final String SIZE = "size";

    /** When the file was changed last, nanoseconds since 1970: a numeric doc value. */
    static final String MODIFIED = "modified";

    /** SHA-256 of the file, 32 bytes: a term, and a binary doc value. */
    static final String SHA256 = "sha256";

    /** The mean of the picture's embeddings, of length 1: a vector of float32, compared by dot product. */
    static final String EMBEDDING = "embedding";

    /** All embeddings, float16 {@code [queries, width]}, little-endian: a binary doc value. */
    static final String QUERIES = "queries";

    /** In place of embeddings: why the picture cannot be read; stored. */
    static final String ERROR = "error";

    private Fields() {}

    static Document picture(PictureFile file, byte[] sha256, float[] embedding, byte[] queries) {
        Document document = file(file, sha256);
        document.add(new KnnFloatVectorField(EMBEDDING, embedding, VectorSimilarityFunction.DOT_PRODUCT));
        document.add(new BinaryDocValuesField(QUERIES, new BytesRef(queries)));
        return document;
    }

    static Document unreadable(PictureFile file, String reason) {
        Document document = file(file, null);
        document.add(new StringField(ERROR, cut(reason), Store.YES));
        return document;
    }

    private static Document file(PictureFile file, byte[] sha256) {
        Document document = new Document();
        document.add(new StringField(PATH, file.path(), Store.YES));
        document.add(new NumericDocValuesField(SIZE, file.size()));
        document.add(new NumericDocValuesField(MODIFIED, file.modified()));
        if (sha256 != null) {
            document.add(new StringField(SHA256, new BytesRef(sha256), Store.NO));
            document.add(new BinaryDocValuesField(SHA256, new BytesRef(sha256)));
        }
        return document;
    }

    /** Lucene takes no longer terms than 32 KB. */
    private static String cut(String reason) {
        return reason.length() <= 1000 ? reason : reason.substring(0, 1000) + "…";
    }
}
