/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.checkpoint.StoredTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.VectorUtil;
import org.bytedeco.javacpp.indexer.HalfIndexer;

/** A picture's embeddings, one for each query of the model: their mean, their bytes, and the cosine of a text. */
final class Embeddings {
    /** Every float16 as a float. */
    private static final float[] HALVES = new float[1 << Short.SIZE];

    static {
        for (int bits = 0; bits < HALVES.length; bits++) {
            HALVES[bits] = StoredTensor.halfToFloat((short) bits);
        }
    }

    private Embeddings() {}

    /**
     * One vector for all.
     *
     * @param queries {@code [queries][width]}
     * @return their mean, brought to length 1
     */
    static float[] mean(float[][] queries) {
        float[] mean = new float[queries[0].length];
        for (float[] query : queries) {
            for (int i = 0; i < mean.length; i++) {
                mean[i] += query[i] / queries.length;
            }
        }
        return VectorUtil.l2normalize(mean);
    }

    /** As float16, little-endian. */
    static byte[] toBytes(float[][] queries) {
        int width = queries[0].length;
        ByteBuffer bytes =
                ByteBuffer.allocate(queries.length * width * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float[] query : queries) {
            for (float value : query) {
                bytes.putShort((short) HalfIndexer.fromFloat(value));
            }
        }
        return bytes.array();
    }

    /**
     * How well a text fits (ITC).
     *
     * @param queries from {@link #toBytes}
     * @param text {@code [width]}
     * @param row {@code [width]}, written to
     * @return the largest product with one of the picture's embeddings
     */
    static float cosine(BytesRef queries, float[] text, float[] row) {
        float best = Float.NEGATIVE_INFINITY;
        byte[] bytes = queries.bytes;
        int at = queries.offset;
        for (int query = queries.length / Short.BYTES / text.length; query > 0; query--) {
            for (int i = 0; i < row.length; i++, at += Short.BYTES) {
                row[i] = HALVES[bytes[at] & 0xff | (bytes[at + 1] & 0xff) << Byte.SIZE];
            }
            best = Math.max(best, VectorUtil.dotProduct(text, row));
        }
        return best;
    }
}
