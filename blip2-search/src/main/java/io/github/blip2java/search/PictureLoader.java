/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.processor.Image;
import io.github.blip2java.search.FolderWalk.PictureFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.lucene.util.BytesRef;

/** Reads pictures on threads of its own, and finds out whether one of the same content is known already. */
final class PictureLoader implements AutoCloseable {
    /** Reading keeps the model fed; more threads would only take cores from it. */
    private static final int THREADS = Math.min(4, Runtime.getRuntime().availableProcessors());

    private final IndexStore store;
    private final PictureEncoder encoder;
    private final ExecutorService readers = Executors.newFixedThreadPool(THREADS, task -> {
        Thread thread = new Thread(task, "blip2-reader");
        thread.setDaemon(true);
        return thread;
    });

    PictureLoader(IndexStore store, PictureEncoder encoder) {
        this.store = store;
        this.encoder = encoder;
    }

    /**
     * A picture that was read. It has an image, or the embeddings of one with the same content, or an error; none of them when the file
     * is gone.
     */
    record Loaded(
            PictureFile file,
            Survey.State state,
            byte[] sha256,
            Image image,
            float[] embedding,
            byte[] queries,
            IOException error) {}

    Future<Loaded> start(PictureFile file, Survey.State state) {
        return readers.submit(() -> load(file, state));
    }

    private Loaded load(PictureFile file, Survey.State state) {
        try {
            byte[] sha256;
            try {
                sha256 = sha256(file.file());
            } catch (IOException e) {
                throw FolderWalk.explained(e, file.file());
            }
            Loaded known = store.read(searcher -> {
                Documents documents = new Documents(searcher.getIndexReader());
                int doc = documents.find(Fields.SHA256, new BytesRef(sha256));
                return doc == Documents.NONE
                        ? null
                        : new Loaded(
                                file,
                                state,
                                sha256,
                                null,
                                documents.embedding(doc),
                                documents.bytes(Fields.QUERIES, doc),
                                null);
            });
            return known != null ? known : new Loaded(file, state, sha256, encoder.read(file.file()), null, null, null);
        } catch (IOException e) {
            return new Loaded(file, state, null, null, null, null, Files.exists(file.file()) ? e : null);
        }
    }

    private static byte[] sha256(Path file) throws IOException {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            in.transferTo(OutputStream.nullOutputStream());
        }
        return digest.digest();
    }

    @Override
    public void close() {
        readers.shutdownNow();
    }
}
