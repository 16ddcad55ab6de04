/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.internal.tensor;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where native libraries are unpacked and loaded from: a folder that belongs to this user and that nobody else can write to, as what lies there
 * runs in this process.
 *
 * <p>It is the libraries' own one below the home folder where that can be used; else one below {@code XDG_CACHE_HOME}, or below the temporary
 * folder with the user's number in its name. Folders are made with mode 700, and get that mode where they are this user's already. One that is
 * somebody else's, or a link, is not used; where none is left, a new temporary one serves this process alone. Whoever sets a library's own
 * property or variable decides for himself.
 */
public final class NativeCache {
    private static final Logger LOG = LoggerFactory.getLogger(NativeCache.class);

    private static final Set<PosixFilePermission> PRIVATE = PosixFilePermissions.fromString("rwx------");
    private static final boolean POSIX =
            FileSystems.getDefault().supportedFileAttributeViews().contains("posix");

    private final Map<String, String> environment;
    private final String home;
    private final Path temporary;

    /**
     * Looks for folders of a process.
     *
     * @param environment its variables
     * @param home        what Java takes for the user's home
     * @param temporary   the folder for temporary files
     */
    NativeCache(Map<String, String> environment, String home, Path temporary) {
        this.environment = environment;
        this.home = home;
        this.temporary = temporary;
    }

    private static NativeCache ofProcess() {
        return new NativeCache(
                System.getenv(), System.getProperty("user.home", ""), Path.of(System.getProperty("java.io.tmpdir")));
    }

    /** Tells JavaCPP, and so ND4J, OpenBLAS and oneDNN, where to unpack; to be called before it unpacks anything. */
    static synchronized void prepareJavaCpp() {
        ofProcess()
                .prepare(
                        List.of("org.bytedeco.javacpp.cachedir", "org.bytedeco.javacpp.cacheDir"),
                        ".javacpp/cache",
                        true);
    }

    /** Tells DJL, and JNA that it asks about the machine, where to unpack; to be called before the tokenizers' library is loaded. */
    public static synchronized void prepareDjl() {
        ofProcess().prepare(List.of("ENGINE_CACHE_DIR", "DJL_CACHE_DIR"), ".djl.ai", true);
        ofProcess().prepare(List.of("jna.tmpdir"), ".djl.ai/jna", false);
    }

    /**
     * Sets the first of some properties, unless one or a variable of that name is set.
     *
     * @param known whether the library looks below the home itself, so that nothing needs to be set where that is good
     */
    private void prepare(List<String> properties, String belowHome, boolean known) {
        boolean decided =
                properties.stream().anyMatch(name -> System.getProperty(name) != null || environment.get(name) != null);
        if (decided) {
            return;
        }
        try {
            Path folder = folder(belowHome);
            if (!known || !folder.equals(Path.of(home).resolve(belowHome))) {
                System.setProperty(properties.get(0), folder.toString());
            }
        } catch (IOException | RuntimeException e) {
            // The library looks for itself then, and may know better.
            LOG.warn(
                    "native libraries: expected a folder to unpack them to, below {} or {}, got {}; set XDG_CACHE_HOME or"
                            + " -Djava.io.tmpdir to a folder of yours",
                    home,
                    temporary,
                    e.toString());
        }
    }

    /** A folder that is good, made if it is missing. */
    Path folder(String belowHome) throws IOException {
        String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path name = Path.of(belowHome);
        Optional<Path> found = usable(home, name)
                .or(() -> usable(cache, Path.of("blip2").resolve(name)))
                .or(() ->
                        usable(temporary.toString(), Path.of("blip2-" + user()).resolve(name)));
        if (found.isPresent()) {
            return found.get();
        }
        Path own = Files.createTempDirectory("blip2-"); // private, and of a name that nobody can foresee
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(own)));
        LOG.warn(
                "native libraries: expected a folder of this user's below {} or {}, got one that is somebody else's or a link; they are"
                        + " unpacked to {} for this process alone, set XDG_CACHE_HOME to a folder of yours",
                home,
                temporary,
                own);
        return own;
    }

    /** The folder of some names below another that is there, each this user's alone; empty where one is not. */
    private static Optional<Path> usable(String base, Path names) {
        Path folder = Path.of(base);
        if (!folder.isAbsolute() || !Files.isDirectory(folder)) {
            return Optional.empty();
        }
        for (Path name : names) {
            folder = folder.resolve(name);
            if (!makePrivate(folder)) {
                return Optional.empty();
            }
        }
        return Optional.of(folder);
    }

    private static boolean makePrivate(Path folder) {
        try {
            try {
                if (POSIX) {
                    Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PRIVATE));
                } else {
                    Files.createDirectory(folder);
                }
            } catch (FileAlreadyExistsException e) {
                // is looked at below
            }
            if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
                return false;
            }
            // A file made by this process tells who that is, and that it may write there.
            Path probe = Files.createTempFile(folder, "blip2-", null);
            Object owner = POSIX ? Files.getOwner(probe) : "";
            Files.delete(probe);
            if (POSIX && !Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).equals(owner)) {
                return false;
            }
            if (POSIX && !Files.getPosixFilePermissions(folder).equals(PRIVATE)) {
                Files.setPosixFilePermissions(folder, PRIVATE);
            }
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** The user's number, or name where there are no numbers. */
    private static String user() {
        try {
            Path probe = Files.createTempFile("blip2-", null);
            try {
                return Files.getAttribute(probe, "unix:uid").toString();
            } finally {
                Files.delete(probe);
            }
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
            return System.getProperty("user.name").replaceAll("\\W", "_");
        }
    }

    private static void delete(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            all.sorted((a, b) -> b.compareTo(a)).forEach(path -> path.toFile().delete());
        } catch (IOException e) {
            // stays
        }
    }
}
