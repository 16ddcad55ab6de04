/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/** Files beside pictures, with the same name but for its end. */
final class Sidecars {
    private Sidecars() {}

    /** {@return where the file of a picture is: {@code cat.txt} for {@code cat.jpg}} */
    static Path of(Path picture, String suffix) {
        return picture.resolveSibling(stem(picture) + suffix);
    }

    private static String stem(Path picture) {
        String name = picture.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }

    /** Refuses a picture whose file cannot be written, or would be another picture's, too: the first by name has it. */
    static void check(Path picture, String suffix) throws IOException {
        Path folder = picture.toAbsolutePath().getParent();
        if (!Files.isWritable(folder)) {
            throw new IOException(of(picture, suffix) + ": expected a folder that this program may write to, got "
                    + folder + "; ask for the right to, or write one file for all elsewhere");
        }
        for (String other : PictureFolder.SUFFIXES) {
            for (String written : new String[] {other, other.toUpperCase(Locale.ROOT)}) {
                Path sibling = picture.resolveSibling(stem(picture) + "." + written);
                if (sibling.compareTo(picture) < 0 && Files.exists(sibling) && !Files.isSameFile(sibling, picture)) {
                    throw new IOException(picture + ": expected a name for its text that no other picture needs, got "
                            + of(picture, suffix).getFileName() + ", which belongs to "
                            + sibling.getFileName() + "; rename one of the two");
                }
            }
        }
    }

    /** Puts a file in its place at once, so that it is never there in half. */
    static void write(Path file, byte[] content) throws IOException {
        Path part = file.resolveSibling("." + file.getFileName() + ".part");
        try {
            Files.write(part, content);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            try {
                Files.deleteIfExists(part);
            } catch (IOException alsoFailed) {
                e.addSuppressed(alsoFailed);
            }
            throw new IOException(
                    file + ": expected to write the text of a picture, got \"" + e
                            + "\"; make room on the disk, ask for the right to write there, or write one file for all elsewhere",
                    e);
        }
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
