/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;

/**
 * A folder of pictures. What is one is told by the end of its name, as other files lie there, too; hidden files and folders, whose names
 * begin with a dot, do not count. Links are followed, but each folder is entered once, however many links lead to it.
 */
public final class PictureFolder {
    /** Those that are read, and those whose error names a converter. */
    static final Set<String> SUFFIXES = Set.of(
            "jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif", "webp", "bmp", "dib", "tif", "tiff", "ico", "pbm",
            "pgm", "ppm", "pnm", "heic", "heif", "avif", "jp2", "jxl", "jxr", "psd");

    private final Path root;
    private final boolean recursive;
    private final boolean ordered;

    private PictureFolder(Path root, boolean recursive, boolean ordered) {
        this.root = root;
        this.recursive = recursive;
        this.ordered = ordered;
    }

    /**
     * The pictures in a folder, without those in its folders.
     *
     * @param root the folder
     * @return the folder, in the order of names
     */
    public static PictureFolder of(Path root) {
        return new PictureFolder(root, false, true);
    }

    /**
     * Enters the folders in it, too, or does not.
     *
     * @param value whether to
     * @return a folder that is walked so
     */
    public PictureFolder recursive(boolean value) {
        return new PictureFolder(root, value, ordered);
    }

    /**
     * Keeps the order of names, or takes files as the file system lists them.
     *
     * @param value true for names in order, for which a folder is listed once for each 10,000 names in it; false to list each folder once
     * @return a folder that is walked so
     */
    public PictureFolder ordered(boolean value) {
        return new PictureFolder(root, recursive, value);
    }

    /** Hears of what a walk meets beside pictures. */
    @FunctionalInterface
    public interface Listener {
        /** Nobody. */
        Listener NONE = (folder, reason) -> {};

        /**
         * A folder that cannot be listed; the walk goes on with the next.
         *
         * @param folder the folder
         * @param reason why not
         */
        void unreadable(Path folder, IOException reason);
    }

    /**
     * Starts a walk, which holds at most 10,000 names of each folder that it is in.
     *
     * @param listener hears of folders that cannot be listed
     * @return the pictures, found while they are asked for
     * @throws IOException when the folder itself cannot be listed
     */
    public PictureWalk walk(Listener listener) throws IOException {
        return new PictureWalk(root, recursive, ordered, listener, Files::newDirectoryStream);
    }

    /**
     * Tells a picture by its name.
     *
     * @param file any path
     * @return whether its name ends as those of pictures do, in letters of either case
     */
    public static boolean isPicture(Path file) {
        String name = file.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return dot > 0 && SUFFIXES.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
    }
}
