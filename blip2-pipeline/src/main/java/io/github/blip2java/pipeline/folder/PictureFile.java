/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * A picture file by the name that results know it by, as it was when it was found.
 *
 * @param path     the file
 * @param name     its path below the folder, with {@code /} between names on every system; as the caller named it where there is no folder
 * @param size     bytes; −1 where the file cannot be looked at
 * @param modified when it was last changed, to the millisecond, which all file systems keep; the epoch where the file cannot be looked at
 */
public record PictureFile(Path path, String name, long size, Instant modified) {

    /**
     * Looks at a file.
     *
     * @param path the file
     * @param name what results call it
     * @return the file as it is now; one that is not there is found out when it is read
     */
    public static PictureFile of(Path path, String name) {
        try {
            return of(path, name, Files.readAttributes(path, BasicFileAttributes.class));
        } catch (IOException e) {
            return new PictureFile(path, name, -1, Instant.EPOCH);
        }
    }

    static PictureFile of(Path path, String name, BasicFileAttributes attributes) {
        return new PictureFile(
                path,
                name,
                attributes.size(),
                attributes.lastModifiedTime().toInstant().truncatedTo(ChronoUnit.MILLIS));
    }

    /** {@return whether the name alone leads to the file again: not so where its bytes are no text in the encoding of names} */
    public boolean hasPlainName() {
        return path.getFileSystem().getPath(path.toString()).equals(path);
    }
}
