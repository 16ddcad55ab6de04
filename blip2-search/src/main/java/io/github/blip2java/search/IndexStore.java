/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.checkpoint.Unreadable;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.util.HashMap;
import java.util.Map;
import org.apache.lucene.codecs.KnnVectorsFormat;
import org.apache.lucene.codecs.lucene912.Lucene912Codec;
import org.apache.lucene.codecs.lucene99.Lucene99HnswVectorsFormat;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexFileNames;
import org.apache.lucene.index.IndexFormatTooNewException;
import org.apache.lucene.index.IndexFormatTooOldException;
import org.apache.lucene.index.IndexNotFoundException;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.MultiReader;
import org.apache.lucene.index.TieredMergePolicy;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.Lock;
import org.apache.lucene.store.LockObtainFailedException;

/** The files of an index: opened, checked, locked by whoever writes, and read as last committed by any number of others. */
final class IndexStore implements Closeable {
    /** Of {@link Fields}. */
    static final String FORMAT = "1";

    private static final String FORMAT_KEY = "format";

    /** Neighbours of a vector, and how many are looked at to choose them; docs/retrieval.md says what this reaches. */
    private static final int NEIGHBOURS = 32;

    private static final int CHOICE = 128;

    /** Megabytes of new documents before they become files. */
    private static final int BUFFER_MB = 64;

    /** Each part of an index is searched by itself, so that few are faster. */
    private static final int PARTS_OF_A_SIZE = 4;

    private final Path location;
    private final ModelFingerprint model;
    private boolean rebuild;
    private Directory directory;
    private volatile SearcherManager searchers;

    private IndexStore(Path location, ModelFingerprint model, boolean rebuild) {
        this.location = location;
        this.model = model;
        this.rebuild = rebuild;
    }

    /**
     * Opens what is there; nothing is made before there is something to write.
     *
     * @throws IOException when it is damaged, another model's, or cannot be read
     */
    static IndexStore open(Path location, ModelFingerprint model, boolean rebuild) throws IOException {
        IndexStore store = new IndexStore(location, model, rebuild);
        if (Files.exists(location) && !Files.isDirectory(location)) {
            throw new IOException(
                    location + ": expected a folder for the index, got a file; name another place with --index");
        }
        if (!rebuild && Files.isDirectory(location)) {
            try {
                store.directory = FSDirectory.open(location);
                store.openLast();
            } catch (Throwable e) {
                store.close();
                throw e;
            }
        }
        return store;
    }

    /** Opens the last commit, where there is one. */
    private void openLast() throws IOException {
        try {
            if (!DirectoryReader.indexExists(directory)) {
                return;
            }
            try (DirectoryReader reader = DirectoryReader.open(directory)) {
                check(reader.getIndexCommit().getUserData());
            }
            searchers = new SearcherManager(directory, null);
        } catch (AccessDeniedException e) {
            throw Unreadable.explain(e, location, "");
        } catch (CorruptIndexException
                | IndexFormatTooNewException
                | IndexFormatTooOldException
                | IndexNotFoundException
                | NoSuchFileException
                | IllegalArgumentException e) {
            throw new IOException(
                    location + ": expected an index, got damaged or foreign files (" + e.getMessage()
                            + "); make it again with --rebuild",
                    e);
        }
    }

    private void check(Map<String, String> kept) throws IOException {
        String format = kept.get(FORMAT_KEY);
        if (!FORMAT.equals(format)) {
            throw new IOException(location + ": expected an index of format " + FORMAT + ", got "
                    + (format == null ? "one of another program" : "format " + format)
                    + "; name another place with --index, or make it again with --rebuild");
        }
        ModelFingerprint other = ModelFingerprint.of(kept);
        if (!other.isSameModel(model)) {
            throw new IOException(location + ": expected embeddings of the model in use, " + model.queries() + " times "
                    + model.width() + " numbers a picture, got those of another, " + other.queries() + " times "
                    + other.width()
                    + ", or of pictures read in another way; name the model that made the index with --model, another place"
                    + " with --index, or make it again with --rebuild");
        }
    }

    /**
     * Begins to write, alone.
     *
     * @throws IOException when somebody else writes, or the place cannot be written
     */
    IndexWriter writer() throws IOException {
        try {
            if (directory == null) {
                Files.createDirectories(location);
                directory = FSDirectory.open(location);
            }
            if (rebuild) {
                clear();
                rebuild = false;
            }
            IndexWriter writer = new IndexWriter(directory, config());
            try {
                if (searchers == null) {
                    openLast(); // another process, perhaps with another model, may have been faster
                }
                Map<String, String> data = new HashMap<>(model.toMap());
                data.put(FORMAT_KEY, FORMAT);
                writer.setLiveCommitData(data.entrySet());
                if (searchers == null) {
                    writer.commit();
                    openLast();
                }
                return writer;
            } catch (Throwable e) {
                writer.rollback();
                throw e;
            }
        } catch (LockObtainFailedException e) {
            throw new IndexLockedException(
                    location
                            + ": expected to be the only one to write this index, but another process or another part of"
                            + " this program does; wait until it is done",
                    e);
        } catch (IOException | ReadOnlyFileSystemException e) {
            throw notWritable(e);
        }
    }

    /** What is thrown when the index cannot be written, in words. */
    IOException notWritable(Exception e) {
        return new IOException(
                location + ": expected to write the index here, got " + e
                        + "; make room and give the right to write, or name another place with --index",
                e);
    }

    /** Removes an index, whatever state it is in, and leaves files that are none of its. */
    private void clear() throws IOException {
        try (Lock lock = directory.obtainLock(IndexWriter.WRITE_LOCK_NAME)) {
            for (String file : directory.listAll()) {
                if (file.startsWith(IndexFileNames.SEGMENTS)
                        || IndexFileNames.CODEC_FILE_PATTERN.matcher(file).matches()) {
                    lock.ensureValid();
                    directory.deleteFile(file);
                }
            }
        }
    }

    private static IndexWriterConfig config() {
        return new IndexWriterConfig(null)
                .setRAMBufferSizeMB(BUFFER_MB)
                .setUseCompoundFile(false)
                .setMergePolicy(new TieredMergePolicy().setSegmentsPerTier(PARTS_OF_A_SIZE))
                .setCodec(new Lucene912Codec() {
                    @Override
                    public KnnVectorsFormat getKnnVectorsFormatForField(String field) {
                        return new Lucene99HnswVectorsFormat(NEIGHBOURS, CHOICE);
                    }
                });
    }

    /** What is done with a searcher. */
    interface Reading<T> {
        T read(IndexSearcher searcher) throws IOException;
    }

    /** Reads the last commit that is known of; no documents where there is no index. */
    <T> T read(Reading<T> reading) throws IOException {
        SearcherManager manager = searchers;
        if (manager == null) {
            return reading.read(new IndexSearcher(new MultiReader()));
        }
        IndexSearcher searcher = manager.acquire();
        try {
            return reading.read(searcher);
        } finally {
            manager.release(searcher);
        }
    }

    /** Takes notice of commits, of other processes too. */
    void refresh() throws IOException {
        if (searchers != null) {
            searchers.maybeRefreshBlocking();
        } else if (!rebuild && Files.isDirectory(location)) {
            directory = directory == null ? FSDirectory.open(location) : directory;
            openLast();
        }
    }

    @Override
    public void close() throws IOException {
        try {
            if (searchers != null) {
                searchers.close();
            }
        } finally {
            if (directory != null) {
                directory.close();
            }
        }
    }
}
