/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.checkpoint;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;

/** Says why a file or folder cannot be read, and what to do about it; the JDK's exceptions have its path alone. */
public final class Unreadable {
    /** What Java puts where the bytes of a name are no text. */
    private static final char REPLACEMENT = '\ufffd';

    private Unreadable() {}

    /**
     * Explains that this process has not the right to read something.
     *
     * @param path the file or folder, or something in a folder that may not be entered
     * @return names what it is that may not be read, its owner, and who asks
     */
    public static AccessDeniedException denied(Path path) {
        Path barred = barred(path);
        String right = Files.isDirectory(barred) ? "rx" : "r";
        return new AccessDeniedException(
                path.toString(),
                null,
                "may not be read: " + (barred.equals(path) ? "it" : "the folder " + barred) + " belongs to "
                        + owner(barred) + ", and this program runs as " + System.getProperty("user.name")
                        + "; ask for the right to read it (chmod a+" + right + " \"" + barred + "\")");
    }

    /** The folder above that may not be entered, or the path itself. */
    private static Path barred(Path path) {
        for (Path folder = path.toAbsolutePath().getParent(); folder != null; folder = folder.getParent()) {
            if (Files.isDirectory(folder)) {
                return Files.isExecutable(folder) ? path : folder;
            }
        }
        return path;
    }

    private static String owner(Path path) {
        try {
            String mode;
            try {
                mode = " (" + PosixFilePermissions.toString(Files.getPosixFilePermissions(path)) + ")";
            } catch (UnsupportedOperationException e) {
                mode = ""; // Windows
            }
            return Files.getOwner(path).getName() + mode;
        } catch (IOException | RuntimeException e) {
            return "somebody else";
        }
    }

    /**
     * Explains why something is not found: a link whose target is gone, a folder that may not be entered, a name that is not UTF-8, or
     * that nothing is there.
     *
     * @param path      what was looked for
     * @param otherwise what to say where nothing is there: what was expected, and what to do
     * @return the exception to throw, whose message begins with the path
     */
    public static IOException missing(Path path, String otherwise) {
        try {
            Files.readAttributes(path, BasicFileAttributes.class); // tells what Files.exists keeps to itself
            return new NoSuchFileException(path + ": " + otherwise);
        } catch (AccessDeniedException e) {
            return denied(path);
        } catch (IOException e) {
            return new NoSuchFileException(path + ": " + gone(path, otherwise));
        }
    }

    private static String gone(Path path, String otherwise) {
        if (Files.isSymbolicLink(path)) {
            return "expected a file, got a link to " + target(path)
                    + ", where nothing is; download it again, or copy the folder with the targets of its links (cp -rL)";
        }
        return path.toString().indexOf(REPLACEMENT) < 0
                ? otherwise
                : "expected a name in UTF-8, got bytes that are none, shown as " + REPLACEMENT
                        + ", and so cannot find it; rename it, for example with: convmv -f latin1 -t utf8 --notest FILE";
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "another place";
        }
    }

    /**
     * Puts words to what the JDK tells with a path alone.
     *
     * @param problem   what opening a file threw
     * @param path      the file
     * @param otherwise as for {@link #missing}
     * @return the exception to throw
     */
    public static IOException explain(IOException problem, Path path, String otherwise) {
        if (problem instanceof AccessDeniedException) {
            return denied(path);
        }
        return problem instanceof NoSuchFileException ? missing(path, otherwise) : problem;
    }
}
