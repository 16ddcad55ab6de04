/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.demo.DemoModel;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the demo model and its twin are found, by processes of their own that have it in a folder or in a jar. */
class DemoModelTest {
    private static final String FOLDER = DemoModel.class.getPackageName().replace('.', '/') + "/";

    @TempDir
    Path directory;

    private Path cache;
    private List<String> files;

    /** What the processes run: prints the folder of the checkpoint, with an argument that of the twin. */
    public static final class Main {
        private Main() {}

        /** Runs it. */
        public static void main(String[] args) throws IOException {
            System.out.println(args.length == 0 ? DemoModel.checkpoint() : DemoModel.retrievalCheckpoint());
        }
    }

    @BeforeEach
    void list() throws IOException {
        cache = directory.resolve("cache");
        files = files("demo-model");
        assertThat(files).contains("checkpoint/config.json", "checkpoint/model.safetensors", "NOTICE.md");
    }

    private static List<String> files(String model) throws IOException {
        return new String(bytes(model + "/SHA256SUMS"), StandardCharsets.UTF_8)
                .lines()
                .map(line -> line.substring(66))
                .toList();
    }

    @Test
    void inAFolderItStaysWhereItIs() throws Exception {
        Path classes = directory.resolve("classes");
        install(classes);
        assertThat(finish(start(classes)))
                .isEqualTo(classes.resolve(FOLDER + "demo-model/checkpoint").toString());
        assertThat(cache).doesNotExist();
    }

    @Test
    void fromAJarManyProcessesCopyItOnce() throws Exception {
        Path jar = jar();
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            processes.add(start(jar));
        }
        List<String> folders = new ArrayList<>();
        for (Process process : processes) {
            folders.add(finish(process));
        }
        Path model = Path.of(folders.get(0)).getParent();
        assertThat(folders).containsOnly(model.resolve("checkpoint").toString());
        assertThat(model.getParent()).isEqualTo(cache);
        try (Stream<Path> written = Files.walk(cache)) {
            assertThat(written.filter(Files::isRegularFile))
                    .containsExactlyInAnyOrderElementsOf(
                            files.stream().map(model::resolve).toList());
        }
        for (String file : files) {
            assertThat(model.resolve(file)).hasBinaryContent(bytes("demo-model/" + file));
        }

        // Another start finds everything there, but for what was damaged meanwhile.
        Path damaged = model.resolve("checkpoint/config.json");
        Files.writeString(damaged, "{");
        Path whole = model.resolve("checkpoint/model.safetensors");
        Files.setLastModifiedTime(whole, FileTime.fromMillis(0));
        assertThat(finish(start(jar))).isEqualTo(folders.get(0));
        assertThat(damaged).hasBinaryContent(bytes("demo-model/checkpoint/config.json"));
        assertThat(Files.getLastModifiedTime(whole)).isEqualTo(FileTime.fromMillis(0));
    }

    @Test
    void theTwinIsCopiedAsWell() throws Exception {
        Path checkpoint = Path.of(finish(start(jar(), "twin")));
        assertThat(checkpoint.getParent().getFileName().toString()).matches("demo-retrieval-model-[0-9a-f]{12}");
        assertThat(files("demo-retrieval-model"))
                .contains("checkpoint/config.json", "checkpoint/model.safetensors", "NOTICE.md")
                .allSatisfy(file -> assertThat(checkpoint.getParent().resolve(file))
                        .hasBinaryContent(bytes("demo-retrieval-model/" + file)));
        assertThat(cache)
                .isDirectoryNotContaining(
                        folder -> folder.getFileName().toString().startsWith("demo-model"));
    }

    @Test
    void aCacheThatCannotBeWrittenIsExplained() throws Exception {
        Files.writeString(cache, "no folder");
        Process process = start(jar());
        String error = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isOne();
        assertThat(error)
                .containsPattern("demo-model-[0-9a-f]{12}.*: expected to copy the demo model here, got ")
                .contains("; name a folder that can be written with -Dblip2.cache=DIR");
    }

    @Test
    void aDamagedJarIsExplained() throws Exception {
        Path jar = jar();
        try (FileSystem inside = FileSystems.newFileSystem(jar, Map.of())) {
            Files.writeString(inside.getPath(FOLDER + "demo-model/checkpoint/config.json"), "{");
        }
        Process process = start(jar);
        String error = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isOne();
        assertThat(error).contains("checkpoint/config.json: expected SHA-256 ", "; the jar is damaged");
        try (Stream<Path> written = Files.walk(cache)) {
            assertThat(written.filter(path -> path.endsWith("config.json"))).isEmpty();
        }
    }

    private Path jar() throws IOException {
        Path jar = directory.resolve("examples.jar");
        try (FileSystem inside = FileSystems.newFileSystem(jar, Map.of("create", "true"))) {
            install(inside.getPath("/"));
        }
        return jar;
    }

    /** Writes the class and its models below a folder, or the root of a jar. */
    private void install(Path root) throws IOException {
        List<String> names = new ArrayList<>(List.of("DemoModel.class"));
        for (String model : List.of("demo-model", "demo-retrieval-model")) {
            names.add(model + "/SHA256SUMS");
            files(model).forEach(file -> names.add(model + "/" + file));
        }
        for (String name : names) {
            Path file = root.resolve(FOLDER + name);
            Files.createDirectories(file.getParent());
            Files.write(file, bytes(name));
        }
    }

    private static byte[] bytes(String name) throws IOException {
        try (InputStream in = DemoModel.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        }
    }

    private Process start(Path classes, String... arguments) throws Exception {
        Path tests = Path.of(DemoModelTest.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dblip2.cache=" + cache,
                "-cp",
                classes + File.pathSeparator + tests,
                Main.class.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).start();
    }

    private static String finish(Process process) throws Exception {
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String error = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(error).isZero();
        return out.strip();
    }
}
