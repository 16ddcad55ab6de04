/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.processor.Image;
import io.github.blip2java.search.FolderWalk.PictureFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.IndexSearcher;

/**
 * Brings an index up to date, once: a walk that counts, then, if anything differs, another that encodes. Commits in between, so that a
 * killed process leaves what it had encoded.
 */
final class Refresh {
    /** When more than one picture of so many is outside of the largest part, all parts are made one: each is searched by itself. */
    private static final int OUTSIDE = 10;

    private final IndexStore store;
    private final FolderWalk folder;
    private final PictureEncoder encoder;
    private final long commitAfter;
    private final RefreshListener listener;
    private final BooleanSupplier closed;

    private final Deque<Future<PictureLoader.Loaded>> loading = new ArrayDeque<>();
    private IndexWriter writer;
    private long lastCommit;
    private long total;
    private long done;
    private int added;
    private int changed;
    private int removed;
    private int encoded;
    private int failed;
    private boolean interrupted;

    /**
     * Prepares it.
     *
     * @param closed whether to stop early
     */
    Refresh(
            IndexStore store,
            FolderWalk folder,
            PictureEncoder encoder,
            IndexOptions options,
            RefreshListener listener,
            BooleanSupplier closed) {
        this.store = store;
        this.folder = folder;
        this.encoder = encoder;
        this.commitAfter = options.commitAfter().toNanos();
        this.listener = listener;
        this.closed = closed;
    }

    /**
     * Does it.
     *
     * @throws IOException when the folder cannot be walked or the index not be written
     * @throws CancellationException when this thread is interrupted, and stays so; what was encoded is kept
     * @throws IllegalStateException when the index is closed meanwhile; what was encoded is kept
     */
    RefreshSummary run() throws IOException {
        try {
            do {
                store.refresh();
            } while (!store.read(this::attempt));
            store.refresh();
            return store.read(this::summary);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** False when another process wrote in between, so that the counts are no longer right. */
    private boolean attempt(IndexSearcher searcher) throws IOException {
        Survey survey = new Survey(searcher, listener);
        folder.walk(survey);
        if (!survey.differs()) {
            return true;
        }
        try (IndexWriter opened = store.writer();
                PictureLoader loader = new PictureLoader(store, encoder)) {
            if (searcher.getIndexReader() instanceof DirectoryReader reader && !reader.isCurrent()) {
                return false;
            }
            writer = opened;
            total = survey.differing();
            lastCommit = System.nanoTime();
            encodeDiffering(survey, loader);
            remove(survey);
            commit();
            tidy();
        }
        return true;
    }

    private void encodeDiffering(Survey survey, PictureLoader loader) throws IOException {
        listener.encoding(0, total);
        int batch = encoder.batchSize();
        folder.walk(new FolderWalk.Visitor() {
            @Override
            public void picture(PictureFile file) {
                Survey.State state = survey.compare(file);
                if (state != Survey.State.SAME) {
                    loading.add(loader.start(file, state));
                    if (loading.size() >= 2 * batch) { // the others are read while these are encoded
                        encode(batch);
                    }
                }
            }

            @Override
            public void failed(PictureFile file, IOException reason) {
                if (survey.compare(file) != Survey.State.SAME) {
                    unreadable(file, reason);
                }
            }

            @Override
            public void failed(Path failedFolder, String path, IOException reason) {
                // said by the survey
            }
        });
        while (!loading.isEmpty()) {
            encode(batch);
        }
    }

    private void encode(int most) {
        List<PictureLoader.Loaded> some = new ArrayList<>();
        while (some.size() < most && !loading.isEmpty()) {
            some.add(await(loading.remove()));
        }
        List<Image> images = some.stream()
                .map(PictureLoader.Loaded::image)
                .filter(Objects::nonNull)
                .toList();
        Iterator<float[][]> embeddings =
                images.isEmpty() ? null : encoder.encode(images).iterator();
        for (PictureLoader.Loaded one : some) {
            if (one.error() != null) {
                unreadable(one.file(), one.error());
            } else if (one.image() != null) {
                float[][] queries = embeddings.next();
                encoded++;
                keep(one, Embeddings.mean(queries), Embeddings.toBytes(queries));
            } else if (one.queries() != null) {
                keep(one, one.embedding(), one.queries());
            }
        }
        done += some.size();
        listener.encoding(Math.min(done, total), total);
        if (System.nanoTime() - lastCommit >= commitAfter) {
            commit();
        }
        checkGoingOn();
    }

    private PictureLoader.Loaded await(Future<PictureLoader.Loaded> future) {
        try {
            return future.get();
        } catch (InterruptedException e) {
            throw cancelled();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e.getCause() instanceof RuntimeException exception
                    ? exception
                    : new IllegalStateException(e.getCause());
        }
    }

    private void checkGoingOn() {
        if (Thread.interrupted()) { // taken away, as Lucene could not write what there is
            throw cancelled();
        }
        if (closed.getAsBoolean()) {
            throw new IllegalStateException(PictureIndex.CLOSED);
        }
    }

    private CancellationException cancelled() {
        interrupted = true;
        return new CancellationException(
                "interrupted: the thread that refreshes the index was interrupted; what it encoded is kept");
    }

    private void keep(PictureLoader.Loaded one, float[] embedding, byte[] queries) {
        if (one.state() == Survey.State.NEW) {
            added++;
        } else {
            changed++;
        }
        update(one.file(), Fields.picture(one.file(), one.sha256(), embedding, queries));
    }

    private void unreadable(PictureFile file, IOException reason) {
        failed++;
        listener.failed(file.file(), reason);
        update(file, Fields.unreadable(file, reason.getMessage()));
    }

    private void update(PictureFile file, Document document) {
        try {
            writer.updateDocument(new Term(Fields.PATH, file.path()), document);
        } catch (IOException e) {
            throw new UncheckedIOException(store.notWritable(e));
        }
    }

    private void remove(Survey survey) throws IOException {
        survey.forEachVanished(path -> {
            removed++;
            writer.deleteDocuments(new Term(Fields.PATH, path));
        });
    }

    private void commit() {
        try {
            writer.commit();
            store.refresh();
        } catch (IOException e) {
            throw new UncheckedIOException(store.notWritable(e));
        }
        lastCommit = System.nanoTime();
    }

    private void tidy() throws IOException {
        boolean scattered = store.read(searcher -> {
            List<LeafReaderContext> parts = searcher.getIndexReader().leaves();
            int largest = parts.stream()
                    .mapToInt(part -> part.reader().numDocs())
                    .max()
                    .orElse(0);
            int all = searcher.getIndexReader().numDocs();
            return OUTSIDE * (all - largest) > all;
        });
        if (scattered) {
            listener.tidying();
            writer.forceMerge(1);
            commit();
        }
    }

    private RefreshSummary summary(IndexSearcher searcher) throws IOException {
        int pictures = searcher.count(new FieldExistsQuery(Fields.EMBEDDING));
        return new RefreshSummary(
                pictures,
                added,
                changed,
                removed,
                encoded,
                failed,
                searcher.getIndexReader().numDocs() - pictures);
    }
}
