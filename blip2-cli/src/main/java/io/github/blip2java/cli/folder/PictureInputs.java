/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli.folder;

import io.github.blip2java.pipeline.folder.PictureFile;
import io.github.blip2java.pipeline.folder.PictureFolder;
import io.github.blip2java.pipeline.folder.PictureWalk;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * Which pictures: files and folders that the command line names, and a list of more of them.
 *
 * @param names     files and folders
 * @param list      a file that names more; null for none
 * @param nul       whether names in the list end with a zero byte rather than a line
 * @param recursive whether folders in folders count
 * @param ordered   whether the order of names is kept
 */
public record PictureInputs(List<String> names, String list, boolean nul, boolean recursive, boolean ordered) {
    /** The list that is standard input. */
    public static final String STANDARD_INPUT = "-";

    /** {@return whether the same pictures can be asked for twice} */
    boolean canRepeat() {
        return !STANDARD_INPUT.equals(list);
    }

    PictureInputs inAnyOrder() {
        return new PictureInputs(names, list, nul, recursive, false);
    }

    /** Hears of what is no picture. */
    interface Problems {
        void failed(Throwable reason);
    }

    /**
     * Finds pictures while they are asked for.
     *
     * @throws IOException when the list cannot be opened
     */
    Iterator<PictureFile> open(Problems problems) throws IOException {
        if (list == null) {
            return new Finder(names.iterator(), problems);
        }
        InputStream stream;
        if (list.equals(STANDARD_INPUT)) {
            stream = System.in;
        } else {
            Path file = Path.of(list);
            if (!Files.isReadable(file) || Files.isDirectory(file)) {
                throw new IOException("--files-from: " + file + ": expected a file with a name in each line, got "
                        + (Files.isDirectory(file)
                                ? "a folder; pass it as IMAGE"
                                : "none that can be read; check the path"));
            }
            stream = Files.newInputStream(file);
        }
        return new Finder(new NameList(names.iterator(), stream, nul), problems);
    }

    /** Whether results name pictures without the folder: there is no other that a name could belong to. */
    private boolean isOneFolder() {
        return names.size() == 1 && list == null;
    }

    /**
     * Leads from the name in a result to the file.
     *
     * @param name as {@link PictureFile#name}
     * @return the file
     */
    public Path resolve(String name) {
        return isOneFolder() && Files.isDirectory(Path.of(names.get(0)))
                ? Path.of(names.get(0)).resolve(name)
                : Path.of(name);
    }

    private final class Finder implements Iterator<PictureFile> {
        private final Iterator<String> given;
        private final Problems problems;
        private PictureWalk folder;
        private String before = "";
        private PictureFile next;

        Finder(Iterator<String> given, Problems problems) {
            this.given = given;
            this.problems = problems;
        }

        @Override
        public boolean hasNext() {
            while (next == null && (folder != null || given.hasNext())) {
                if (folder == null) {
                    begin(given.next());
                } else if (folder.hasNext()) {
                    PictureFile found = folder.next();
                    next = new PictureFile(found.path(), before + found.name(), found.size(), found.modified());
                } else {
                    folder = null;
                }
            }
            return next != null;
        }

        private void begin(String name) {
            try {
                Path path = Path.of(name);
                if (Files.isDirectory(path)) {
                    before = isOneFolder() ? "" : name.endsWith("/") ? name : name + "/";
                    folder = PictureFolder.of(path)
                            .recursive(recursive)
                            .ordered(ordered)
                            .walk((place, reason) -> problems.failed(reason));
                } else {
                    next = PictureFile.of(path, name);
                }
            } catch (IOException | IllegalArgumentException e) { // a name that the locale cannot express
                problems.failed(e);
            }
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
    }
}
