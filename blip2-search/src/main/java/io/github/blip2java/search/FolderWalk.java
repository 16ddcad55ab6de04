/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import static io.github.blip2java.pipeline.folder.PictureFolder.isPicture;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.github.blip2java.checkpoint.Unreadable;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A folder, walked file by file: never held as a whole, each folder once however many links lead to it, without hidden files and
 * folders.
 */
final class FolderWalk {
    private final Path root;
    private final Path without;

    /**
     * Will walk a folder.
     *
     * @param root the folder
     * @param without a folder that is left out
     */
    FolderWalk(Path root, Path without) {
        this.root = root;
        this.without = without;
    }

    /**
     * A picture file by its name.
     *
     * @param file below the root
     * @param path the same without the root, with {@code /} between names
     * @param size bytes
     * @param modified nanoseconds since 1970
     */
    record PictureFile(Path file, String path, long size, long modified) {}

    /** Hears what is there. */
    interface Visitor {
        void picture(PictureFile picture);

        /** Something with a picture's name that cannot be looked at; what is not known of it is −1. */
        void failed(PictureFile picture, IOException reason);

        /** A folder that cannot be listed, so that nothing is known about what lies in it. */
        void failed(Path folder, String path, IOException reason);

        /** Whether nothing more is wanted. */
        default boolean hasEnough() {
            return false;
        }
    }

    /** Whether anything here has a picture's name; stops at the first. */
    boolean hasPictures() throws IOException {
        AtomicBoolean found = new AtomicBoolean();
        walk(new Visitor() {
            @Override
            public void picture(PictureFile picture) {
                found.set(true);
            }

            @Override
            public void failed(PictureFile picture, IOException reason) {
                found.set(true);
            }

            @Override
            public void failed(Path folder, String path, IOException reason) {
                // said when it is needed
            }

            @Override
            public boolean hasEnough() {
                return found.get();
            }
        });
        return found.get();
    }

    /**
     * Walks; links to folders come last, so that a folder goes by its own name where it has one here.
     *
     * @throws IOException when the root cannot be listed
     */
    void walk(Visitor visitor) throws IOException {
        new Walk(visitor).run();
    }

    private final class Walk {
        private final Visitor visitor;
        private final Set<Object> seen = new HashSet<>();
        private final Deque<Path> folders = new ArrayDeque<>();
        private final TreeSet<Path> links = new TreeSet<>();

        Walk(Visitor visitor) {
            this.visitor = visitor;
        }

        void run() throws IOException {
            if (Files.exists(without)) {
                seen.add(identity(without));
            }
            folders.add(root);
            while (!visitor.hasEnough() && !(folders.isEmpty() && links.isEmpty())) {
                visit(folders.isEmpty() ? links.pollFirst() : folders.pop());
            }
        }

        private void visit(Path folder) throws IOException {
            try {
                if (seen.add(identity(folder))) {
                    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
                        for (Path entry : entries) {
                            if (visitor.hasEnough()) {
                                return;
                            }
                            entry(entry);
                        }
                    }
                }
            } catch (IOException | DirectoryIteratorException e) {
                IOException reason =
                        e instanceof DirectoryIteratorException inside ? inside.getCause() : (IOException) e;
                if (folder.equals(root)) {
                    throw reason;
                }
                if (Files.exists(folder)) { // else it is gone meanwhile
                    visitor.failed(folder, path(folder), explained(reason, folder));
                }
            }
        }

        private void entry(Path entry) {
            String name = entry.getFileName().toString();
            if (name.startsWith(".")) {
                return;
            }
            try {
                BasicFileAttributes link = Files.readAttributes(entry, BasicFileAttributes.class, NOFOLLOW_LINKS);
                if (link.isDirectory()) {
                    if (!Files.isHidden(entry)) {
                        folders.push(entry);
                    }
                } else if (link.isSymbolicLink() || isPicture(entry)) {
                    BasicFileAttributes file = Files.readAttributes(entry, BasicFileAttributes.class);
                    if (file.isDirectory()) {
                        links.add(entry);
                    } else if (file.isRegularFile() && isPicture(entry)) {
                        found(entry, file);
                    }
                }
            } catch (NoSuchFileException e) {
                // gone meanwhile, or a link to nothing
            } catch (IOException e) {
                if (isPicture(entry)) {
                    visitor.failed(new PictureFile(entry, path(entry), -1, -1), explained(e, entry));
                }
            }
        }

        private void found(Path entry, BasicFileAttributes attributes) {
            long modified = attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS);
            PictureFile picture = new PictureFile(entry, path(entry), attributes.size(), modified);
            if (root.resolve(picture.path).equals(entry)) {
                visitor.picture(picture);
            } else { // bytes that the locale has no letters for
                visitor.failed(
                        picture,
                        Unreadable.missing(root.resolve(picture.path), "expected a file, found nothing there"));
            }
        }
    }

    /** What the JDK says with a path alone, in words. */
    static IOException explained(IOException reason, Path path) {
        IOException explained = Unreadable.explain(reason, path, "expected it to stay there");
        String message = String.valueOf(explained.getMessage());
        return message.startsWith(path.toString())
                        && message.length() > path.toString().length()
                ? explained
                : new IOException(path + ": cannot be read (" + reason + ")", reason);
    }

    private static Object identity(Path folder) throws IOException {
        Object key = Files.readAttributes(folder, BasicFileAttributes.class).fileKey();
        return key == null ? folder.toRealPath() : key; // null on Windows
    }

    private String path(Path file) {
        return file.subpath(root.getNameCount(), file.getNameCount())
                .toString()
                .replace(root.getFileSystem().getSeparator(), "/");
    }
}
