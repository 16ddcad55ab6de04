/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.ProgressListener;
import io.github.blip2java.checkpoint.Unreadable;
import io.github.blip2java.processor.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.IndexSearcher;

/**
 * A folder of pictures, with those below it, that is found again by text and by picture.
 *
 * <pre>{@code
 * try (Blip2RetrievalPipeline blip2 = Blip2RetrievalPipeline.load(Path.of("blip2-itm-vit-g"));
 *         PictureIndex index = PictureIndex.open(
 *                 Path.of("pictures"), new Blip2PictureEncoder(blip2, ReadOptions.defaults()), IndexOptions.defaults())) {
 *     index.refresh(RefreshListener.NONE);
 *     for (PictureHit hit : index.search("a dog on a beach", SearchOptions.defaults())) {
 *         System.out.println(hit.file() + " " + hit.cosine());
 *     }
 * }
 * }</pre>
 *
 * <p>What the model makes of a picture is kept in an index of Apache Lucene, described in docs/retrieval.md, by default in {@link #FOLDER}
 * in the folder itself. {@link #refresh} encodes what is new or has another time or size. A picture that was moved or copied is known by
 * its content. Hidden files and folders are left out; links are followed, into each folder once.
 *
 * <p>An index belongs to a model: with another, {@link #open} throws, as embeddings of two models cannot be compared, and making the
 * index again can take hours. {@link IndexOptions#withRebuild} does it.
 *
 * <p>Safe for many threads at once: searches see what was committed last, while a refresh goes on too. Refreshes take turns; of several
 * processes one can write.
 */
public final class PictureIndex implements AutoCloseable {
    /** The folder of the index in the folder of pictures. */
    public static final String FOLDER = ".blip2-index";

    static final String CLOSED = "index: expected it to be open, but it was closed";

    private final Path root;
    private final FolderWalk folder;
    private final PictureEncoder encoder;
    private final IndexOptions options;
    private final IndexStore store;
    private final Object refreshing = new Object();
    private volatile boolean closed;

    private PictureIndex(Path root, Path location, PictureEncoder encoder, IndexOptions options, IndexStore store) {
        this.root = root;
        this.folder = new FolderWalk(root, location);
        this.encoder = encoder;
        this.options = options;
        this.store = store;
    }

    /**
     * Opens the index of a folder. Where there is none yet, it is empty until {@link #refresh}.
     *
     * @param folder pictures, also in folders below
     * @param encoder the model, not closed with this
     * @param options where the index is, and how it is kept
     * @return the index; close it after use
     * @throws IOException when the folder is missing, or its index was made with another model, is damaged, or cannot be read
     */
    public static PictureIndex open(Path folder, PictureEncoder encoder, IndexOptions options) throws IOException {
        Path root = root(folder);
        Path location = location(root, options);
        IndexStore store = IndexStore.open(location, encoder.fingerprint(), options.rebuild());
        return new PictureIndex(root, location, encoder, options, store);
    }

    /**
     * Tells whether there is anything for an index, before a model is loaded.
     *
     * @param folder pictures, also in folders below
     * @param options where the index is
     * @return whether there is a file with a picture's name
     * @throws IOException when the folder is missing or cannot be listed
     */
    public static boolean hasPictures(Path folder, IndexOptions options) throws IOException {
        Path root = root(folder);
        return new FolderWalk(root, location(root, options)).hasPictures();
    }

    private static Path root(Path folder) throws IOException {
        Path root = folder.toString().isEmpty() ? Path.of(".") : folder;
        if (!Files.isDirectory(root)) {
            String wanted = "expected a folder of pictures, got ";
            throw Files.exists(root)
                    ? new IOException(root + ": " + wanted + "a file; name the folder that it lies in")
                    : Unreadable.missing(root, wanted + "nothing there; check the name");
        }
        return root;
    }

    private static Path location(Path root, IndexOptions options) {
        return options.location() == null ? root.resolve(FOLDER) : options.location();
    }

    /**
     * Brings the index up to date with the folder: encodes what is new or changed, drops what is gone. Nothing is written where nothing
     * differs, or where there is no picture at all.
     *
     * @param listener hears how it gets on
     * @return what was done
     * @throws IndexLockedException when another process or another {@code PictureIndex} writes this index
     * @throws IOException when the folder cannot be listed, or the index not be written
     * @throws java.util.concurrent.CancellationException when this thread is interrupted; what it encoded is kept
     * @throws IllegalStateException after {@link #close}
     */
    public RefreshSummary refresh(RefreshListener listener) throws IOException {
        synchronized (refreshing) {
            checkOpen();
            return new Refresh(store, folder, encoder, options, listener, () -> closed).run();
        }
    }

    /**
     * The number of pictures that can be found.
     *
     * @return as of the last commit that this index knows of
     * @throws IOException when the index cannot be read
     * @throws IllegalStateException after {@link #close}
     */
    public int size() throws IOException {
        return read(searcher -> searcher.count(new FieldExistsQuery(Fields.EMBEDDING)));
    }

    /**
     * Finds pictures by words: by cosine, then the best of them in the order of {@link ImageTextMatch#rankingScore}, where the options
     * say so.
     *
     * @param text some words
     * @param options how
     * @return at most as many as asked for, the best first: those that the matching head looked at, then the others. One that can no
     *     longer be read is among the others
     * @throws IOException when the index cannot be read
     * @throws IllegalArgumentException when there are no words
     * @throws IllegalStateException after {@link #close}
     */
    public List<PictureHit> search(String text, SearchOptions options) throws IOException {
        checkOpen();
        float[] embedding = encoder.encode(text);
        int best = Math.max(options.top(), options.rerank());
        List<PictureHit> hits =
                read(searcher -> hits(searcher, new Finder(searcher).byText(embedding, best, options.exact())));
        List<PictureHit> ranked = rerank(hits, text, options.rerank());
        return List.copyOf(ranked.subList(0, Math.min(options.top(), ranked.size())));
    }

    /**
     * Finds pictures by a picture: by the cosine of their mean embeddings. The picture itself, where it lies in the folder, is among them.
     *
     * @param image the picture
     * @param options how; nothing is looked at again
     * @return at most as many as asked for, the best first
     * @throws IOException when the index cannot be read
     * @throws IllegalStateException after {@link #close}
     */
    public List<PictureHit> searchLike(Image image, SearchOptions options) throws IOException {
        checkOpen();
        float[] embedding = Embeddings.mean(encoder.encode(List.of(image)).get(0));
        return read(
                searcher -> hits(searcher, new Finder(searcher).byPicture(embedding, options.top(), options.exact())));
    }

    /**
     * Finds pictures that are the same or nearly so. Links to one file count as one.
     *
     * @param threshold the least cosine of mean embeddings that makes two pictures alike, up to 1; docs/retrieval.md says what to expect
     * @param progress hears how far it is
     * @return groups of two and more, in the order of their first paths; two pictures of a group may be alike through others alone
     * @throws IOException when the index cannot be read
     * @throws IllegalArgumentException when the threshold is not above 0 or above 1
     * @throws IllegalStateException after {@link #close}
     */
    public List<DuplicateGroup> duplicates(double threshold, ProgressListener progress) throws IOException {
        if (!(threshold > 0 && threshold <= 1)) {
            throw new IllegalArgumentException("threshold: expected above 0 and up to 1, got " + threshold
                    + "; it is the least cosine of two pictures that are alike");
        }
        return read(searcher -> new DuplicateFinder(searcher, root, (float) threshold).find(progress));
    }

    <T> T read(IndexStore.Reading<T> reading) throws IOException {
        checkOpen();
        return store.read(reading);
    }

    private List<PictureHit> hits(IndexSearcher searcher, List<Finder.Found> found) throws IOException {
        Documents documents = new Documents(searcher.getIndexReader());
        List<PictureHit> hits = new ArrayList<>();
        for (Finder.Found one : found) {
            String path = documents.path(one.doc());
            hits.add(new PictureHit(root.resolve(path), path, one.cosine(), Optional.empty()));
        }
        return hits;
    }

    private List<PictureHit> rerank(List<PictureHit> hits, String text, int most) {
        int count = Math.min(most, hits.size());
        List<PictureHit> looked = new ArrayList<>();
        List<PictureHit> others = new ArrayList<>();
        for (int from = 0; from < count; from += encoder.batchSize()) {
            List<PictureHit> readable = new ArrayList<>();
            List<Image> images = new ArrayList<>();
            for (PictureHit hit : hits.subList(from, Math.min(from + encoder.batchSize(), count))) {
                try {
                    images.add(encoder.read(hit.file()));
                    readable.add(hit);
                } catch (IOException e) { // gone or broken since it was encoded; the next refresh says so
                    others.add(hit);
                }
            }
            List<ImageTextMatch> matches = images.isEmpty() ? List.of() : encoder.match(images, text);
            for (int i = 0; i < matches.size(); i++) {
                PictureHit hit = readable.get(i);
                ImageTextMatch match = matches.get(i);
                looked.add(new PictureHit(hit.file(), hit.path(), match.cosine(), Optional.of(match)));
            }
        }
        looked.sort(Comparator.comparing(
                (PictureHit hit) -> -hit.match().orElseThrow().rankingScore()));
        looked.addAll(others);
        looked.addAll(hits.subList(count, hits.size()));
        return looked;
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException(CLOSED);
        }
    }

    /** Closes the index; a refresh that goes on stops soon, and keeps what it encoded. */
    @Override
    public void close() throws IOException {
        closed = true;
        synchronized (refreshing) {
            store.close();
        }
    }
}
