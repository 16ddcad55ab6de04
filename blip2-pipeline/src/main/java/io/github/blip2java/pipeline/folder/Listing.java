/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.Iterator;
import java.util.PriorityQueue;
import java.util.function.Predicate;

/** What is in one folder, without ever holding all of it. */
abstract class Listing implements Closeable {
    /** Names held at a time. */
    static final int PAGE = 10_000;

    private final Path folder;
    private final Opener opener;

    private Listing(Path folder, Opener opener) {
        this.folder = folder;
        this.opener = opener;
    }

    /** What lists a folder. */
    interface Opener {
        DirectoryStream<Path> open(Path folder, DirectoryStream.Filter<Path> wanted) throws IOException;
    }

    Path folder() {
        return folder;
    }

    /** {@return the next entry, null behind the last} */
    abstract Path next() throws IOException;

    static Listing of(Path folder, boolean ordered, Predicate<Path> wanted, Opener opener) throws IOException {
        return ordered ? new Ordered(folder, wanted, opener) : new Unordered(folder, wanted, opener);
    }

    DirectoryStream<Path> open(Predicate<Path> wanted) throws IOException {
        return opener.open(folder, wanted::test);
    }

    /** Takes the next names in order from a new look at the whole folder, some at a time. */
    private static final class Ordered extends Listing {
        private final Predicate<Path> wanted;
        private final Deque<Path> page = new ArrayDeque<>();
        private Path last;
        private boolean more = true;

        Ordered(Path folder, Predicate<Path> wanted, Opener opener) throws IOException {
            super(folder, opener);
            this.wanted = wanted;
            turn();
        }

        @Override
        Path next() throws IOException {
            if (page.isEmpty() && more) {
                turn();
            }
            return page.poll();
        }

        private void turn() throws IOException {
            PriorityQueue<Path> first = new PriorityQueue<>(Comparator.reverseOrder());
            more = false;
            try (DirectoryStream<Path> entries = open(wanted)) {
                for (Path entry : entries) {
                    if (last == null || entry.compareTo(last) > 0) {
                        first.add(entry);
                    }
                    if (first.size() > PAGE) {
                        first.poll();
                        more = true;
                    }
                }
            } catch (DirectoryIteratorException e) {
                throw e.getCause();
            }
            while (!first.isEmpty()) {
                page.addFirst(first.poll());
            }
            last = page.isEmpty() ? last : page.peekLast();
        }

        @Override
        public void close() {}
    }

    private static final class Unordered extends Listing {
        private final DirectoryStream<Path> stream;
        private final Iterator<Path> entries;

        Unordered(Path folder, Predicate<Path> wanted, Opener opener) throws IOException {
            super(folder, opener);
            stream = open(wanted);
            entries = stream.iterator();
        }

        @Override
        Path next() throws IOException {
            try {
                return entries.hasNext() ? entries.next() : null;
            } catch (DirectoryIteratorException e) {
                throw e.getCause();
            }
        }

        @Override
        public void close() throws IOException {
            stream.close();
        }
    }
}
