/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import io.github.blip2java.checkpoint.Unreadable;
import io.github.blip2java.pipeline.folder.PictureFolder.Listener;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Set;

/** The pictures of a folder, one after the other. Files may come and go meanwhile. */
public final class PictureWalk implements Iterator<PictureFile>, Closeable {
    private final Path root;
    private final boolean recursive;
    private final boolean ordered;
    private final Listener listener;
    private final Listing.Opener opener;
    private final Deque<Listing> open = new ArrayDeque<>();
    /** Folders that were entered. */
    private final Set<Object> entered = new HashSet<>();

    private PictureFile next;

    PictureWalk(Path root, boolean recursive, boolean ordered, Listener listener, Listing.Opener opener)
            throws IOException {
        this.root = root;
        this.recursive = recursive;
        this.ordered = ordered;
        this.listener = listener;
        this.opener = opener;
        try {
            enter(root);
        } catch (IOException e) {
            throw explained(e, root);
        }
    }

    private void enter(Path folder) throws IOException {
        if (entered.add(identity(folder))) {
            open.push(Listing.of(folder, ordered, this::isWanted, opener));
        }
    }

    private static Object identity(Path folder) throws IOException {
        Object key = Files.readAttributes(folder, BasicFileAttributes.class).fileKey();
        return key == null ? folder.toRealPath() : key; // null on Windows
    }

    /** By its name alone, so that nothing need be known of what is not. */
    private boolean isWanted(Path entry) {
        return !entry.getFileName().toString().startsWith(".") && (recursive || PictureFolder.isPicture(entry));
    }

    @Override
    public boolean hasNext() {
        while (next == null && !open.isEmpty()) {
            Listing folder = open.peek();
            try {
                Path entry = folder.next();
                if (entry == null) {
                    open.pop().close();
                } else {
                    look(entry);
                }
            } catch (IOException e) { // in the middle of a folder
                open.remove(folder);
                listener.unreadable(folder.folder(), explained(e, folder.folder()));
            }
        }
        return next != null;
    }

    private void look(Path entry) {
        BasicFileAttributes attributes;
        try {
            attributes = Files.readAttributes(entry, BasicFileAttributes.class);
        } catch (IOException e) {
            // A file that is gone meanwhile is none; one that may not be looked at, or a link to nothing, is told of
            // when it is read.
            if (PictureFolder.isPicture(entry) && (Files.isSymbolicLink(entry) || Files.exists(entry))) {
                next = PictureFile.of(entry, name(entry));
            }
            return;
        }
        if (attributes.isRegularFile() && PictureFolder.isPicture(entry)) {
            next = PictureFile.of(entry, name(entry), attributes);
        } else if (attributes.isDirectory() && recursive) {
            try {
                enter(entry);
            } catch (IOException e) {
                if (Files.exists(entry)) {
                    listener.unreadable(entry, explained(e, entry));
                }
            }
        }
    }

    private String name(Path entry) {
        return entry.subpath(root.equals(Path.of("")) ? 0 : root.getNameCount(), entry.getNameCount())
                .toString()
                .replace(root.getFileSystem().getSeparator(), "/");
    }

    private static IOException explained(IOException problem, Path folder) {
        IOException explained = Unreadable.explain(problem, folder, "no such folder; check the path");
        return explained instanceof FileSystemException known
                        && known.getReason() == null
                        && folder.toString().equals(known.getFile())
                ? new IOException(
                        Files.isDirectory(folder)
                                ? folder + ": cannot be listed (" + explained + ")"
                                : folder + ": expected a folder, got something else",
                        explained)
                : explained;
    }

    @Override
    public PictureFile next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        PictureFile found = next;
        next = null;
        return found;
    }

    @Override
    public void close() throws IOException {
        while (!open.isEmpty()) {
            open.pop().close();
        }
    }
}
