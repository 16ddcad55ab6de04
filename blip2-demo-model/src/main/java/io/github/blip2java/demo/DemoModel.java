/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.demo;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.jar.JarEntry;
import java.util.zip.CRC32;

/**
 * The small models that come with the program: one that names drawings like emoji, and its retrieval twin, which ranks them. They
 * know nothing else; docs/demo-model.md says what to expect of them.
 *
 * <p>Weights are mapped into memory and so must be a file. Where the classes lie in a folder, so do the models. Where they
 * lie in a jar, a model's files, about 10 and 6 MB, are copied once to {@code blip2-java} in the user's cache folder:
 * {@code -Dblip2.cache=DIR}, else {@code $XDG_CACHE_HOME}, else {@code .cache} in the home folder.
 */
public final class DemoModel {
    /** The model's files with their digests, as {@code sha256sum} writes them. */
    private static final String SUMS = "SHA256SUMS";

    private static final String GENERATION = "demo-model";
    private static final String RETRIEVAL = "demo-retrieval-model";

    private DemoModel() {}

    /**
     * Gives the model's checkpoint folder, to be loaded like any other.
     *
     * @return the folder
     * @throws IOException when the files cannot be read, or not be copied from the jar
     */
    public static Path checkpoint() throws IOException {
        return referenceCase().resolve("checkpoint");
    }

    /**
     * Gives the model's reference case for {@code blip2 verify}: the checkpoint, and what {@code transformers} computed.
     *
     * @return the folder
     * @throws IOException when the files cannot be read, or not be copied from the jar
     */
    public static Path referenceCase() throws IOException {
        return folder(GENERATION);
    }

    /**
     * The checkpoint folder of the retrieval twin, for {@code Blip2RetrievalPipeline} and the classes behind it.
     *
     * @return the folder
     * @throws IOException when the files cannot be read, or not be copied from the jar
     */
    public static Path retrievalCheckpoint() throws IOException {
        return retrievalReferenceCase().resolve("checkpoint");
    }

    /**
     * The retrieval twin's reference case for {@code blip2 verify}.
     *
     * @return the folder
     * @throws IOException when the files cannot be read, or not be copied from the jar
     */
    public static Path retrievalReferenceCase() throws IOException {
        return folder(RETRIEVAL);
    }

    private static Path folder(String model) throws IOException {
        URL sums = resource(model, SUMS);
        if (!sums.getProtocol().equals("file")) {
            return copy(model);
        }
        try {
            return Path.of(sums.toURI()).getParent();
        } catch (URISyntaxException e) {
            throw new IOException(sums + ": expected the address of a file: " + e.getMessage(), e);
        }
    }

    /** Any number of processes may do this at once: a file appears whole or not at all, and is the same from each. */
    private static Path copy(String model) throws IOException {
        byte[] sums = read(resource(model, SUMS));
        // Another model has other sums, so that two versions of the program have a folder each.
        Path folder = cache().resolve(model + "-" + sha256(sums).substring(0, 12));
        for (String line : new String(sums, StandardCharsets.UTF_8).lines().toList()) {
            String digest = line.substring(0, 64);
            String name = line.substring(66);
            Path file = folder.resolve(name);
            URL url = resource(model, name);
            if (!isCopy(file, url, digest)) {
                byte[] content = read(url);
                if (!sha256(content).equals(digest)) {
                    throw new IOException(url + ": expected SHA-256 " + digest + ", got " + sha256(content)
                            + "; the jar is damaged, build or fetch it again");
                }
                write(file, content);
            }
        }
        return folder;
    }

    /** By the checksum that a jar keeps of its entries, where it is one: SHA-256 would take a tenth of a second at each start. */
    private static boolean isCopy(Path file, URL url, String digest) throws IOException {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        if (!(url.openConnection() instanceof JarURLConnection jar)) {
            return sha256(Files.readAllBytes(file)).equals(digest);
        }
        JarEntry entry = jar.getJarEntry();
        if (Files.size(file) != entry.getSize()) {
            return false;
        }
        CRC32 checksum = new CRC32();
        checksum.update(Files.readAllBytes(file));
        return checksum.getValue() == entry.getCrc();
    }

    private static void write(Path file, byte[] content) throws IOException {
        try {
            Files.createDirectories(file.getParent());
            Path part =
                    Files.createTempFile(file.getParent(), file.getFileName().toString(), ".part");
            try {
                Files.write(part, content);
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            throw new IOException(
                    file + ": expected to copy the demo model here, got " + e
                            + "; name a folder that can be written with -Dblip2.cache=DIR",
                    e);
        }
    }

    private static Path cache() {
        String folder = System.getProperty("blip2.cache");
        if (folder != null) {
            return Path.of(folder);
        }
        String caches = System.getenv("XDG_CACHE_HOME");
        return caches != null && !caches.isEmpty()
                ? Path.of(caches, "blip2-java")
                : Path.of(System.getProperty("user.home"), ".cache", "blip2-java");
    }

    private static URL resource(String model, String name) throws IOException {
        URL url = DemoModel.class.getResource(model + "/" + name);
        if (url == null) {
            throw new NoSuchFileException(
                    model + "/" + name + ": expected among the program's resources, found nothing there;"
                            + " build it from a complete checkout, or name another model with --model");
        }
        return url;
    }

    private static byte[] read(URL url) throws IOException {
        try (InputStream in = url.openStream()) {
            return in.readAllBytes();
        }
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}
