/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import io.github.blip2java.search.FolderWalk.PictureFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.FixedBitSet;

/** What a folder holds beside what one state of an index knows of it: a bit for each document, and counts. */
final class Survey implements FolderWalk.Visitor {
    /** A file, for an index. */
    enum State {
        NEW,
        CHANGED,
        SAME
    }

    private final Documents documents;
    private final FixedBitSet seen;
    private final RefreshListener listener;
    /** Folders about whose pictures nothing is known. */
    private final List<String> unlisted = new ArrayList<>();

    private long walked;
    private long differing;

    Survey(IndexSearcher searcher, RefreshListener listener) {
        this.documents = new Documents(searcher.getIndexReader());
        this.seen = new FixedBitSet(Math.max(1, searcher.getIndexReader().maxDoc()));
        this.listener = listener;
    }

    @Override
    public void picture(PictureFile file) {
        count(file);
    }

    @Override
    public void failed(PictureFile file, IOException reason) {
        count(file);
    }

    @Override
    public void failed(Path folder, String path, IOException reason) {
        unlisted.add(path + "/");
        listener.failed(folder, reason);
    }

    private void count(PictureFile file) {
        if (compare(file) != State.SAME) {
            differing++;
        }
        listener.walking(++walked);
    }

    /** Compares a file by time and size, and knows from then on that it is there. */
    State compare(PictureFile file) {
        try {
            int doc = documents.find(Fields.PATH, new BytesRef(file.path()));
            if (doc == Documents.NONE) {
                return State.NEW;
            }
            seen.set(doc);
            return documents.number(Fields.SIZE, doc) == file.size()
                            && documents.number(Fields.MODIFIED, doc) == file.modified()
                    ? State.SAME
                    : State.CHANGED;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Files that are new or changed. */
    long differing() {
        return differing;
    }

    boolean differs() throws IOException {
        boolean[] vanished = new boolean[1];
        forEachVanished(path -> vanished[0] = true);
        return differing > 0 || vanished[0];
    }

    /** Hears of a path. */
    interface Vanished {
        void accept(String path) throws IOException;
    }

    /** Pictures of the index that were not seen, though their folder was, as far as one can tell. */
    void forEachVanished(Vanished use) throws IOException {
        documents.forEach(doc -> {
            if (!seen.get(doc)) {
                String path = documents.path(doc);
                if (unlisted.stream().noneMatch(path::startsWith)) {
                    use.accept(path);
                }
            }
        });
    }
}
