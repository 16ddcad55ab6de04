/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.search.FolderWalk.PictureFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.util.VectorUtil;

/** Embeddings by the thousand, and indexes of them. */
final class ManyEmbeddings {
    private static final int WIDTH = 256;

    /** How they lie on the sphere. */
    enum Kind {
        /** Groups of about fifty, as pictures of the same thing are. */
        CLUSTERED,
        /** Nowhere in particular, the hardest for a graph: all are about as far from each other. */
        RANDOM
    }

    private ManyEmbeddings() {}

    static float[][] make(Kind kind, int count) {
        Random random = new Random(1);
        float[][] centres = new float[count / 50][];
        for (int i = 0; i < centres.length; i++) {
            centres[i] = gaussian(random);
        }
        float[][] all = new float[count][];
        for (int i = 0; i < count; i++) {
            float[] vector = gaussian(random);
            if (kind == Kind.CLUSTERED) {
                float[] centre = centres[random.nextInt(centres.length)];
                for (int j = 0; j < WIDTH; j++) {
                    vector[j] = centre[j] + 0.7f * vector[j];
                }
            }
            all[i] = VectorUtil.l2normalize(vector);
        }
        return all;
    }

    private static float[] gaussian(Random random) {
        float[] vector = new float[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
            vector[i] = (float) random.nextGaussian();
        }
        return vector;
    }

    static ModelFingerprint fingerprint(float[][] all, int queries) {
        return new ModelFingerprint(queries, "none", all[0]);
    }

    /** An index of the first of them, in one part, as a refresh leaves it; a picture's queries all have the same embedding. */
    static IndexStore index(Path location, float[][] all, int count, int queries) throws IOException {
        IndexStore store = IndexStore.open(location, fingerprint(all, queries), true);
        try (IndexWriter writer = store.writer()) {
            for (int i = 0; i < count; i++) {
                PictureFile file = new PictureFile(null, String.valueOf(i), 0, 0);
                byte[] content = ByteBuffer.allocate(32).putInt(i).array();
                float[][] same = new float[queries][];
                Arrays.fill(same, all[i]);
                writer.addDocument(Fields.picture(file, content, all[i], Embeddings.toBytes(same)));
            }
            writer.forceMerge(1);
        }
        store.refresh();
        return store;
    }
}
