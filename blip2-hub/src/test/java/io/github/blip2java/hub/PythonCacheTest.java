/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cache that huggingface_hub 1.33.0 wrote; src/test/python/hub_check.py made it. */
class PythonCacheTest {
    private static final String ID = "Salesforce/blip2-test";

    @TempDir
    Path directory;

    private Path repository;
    private HubEnvironment offline;

    @BeforeEach
    void unpack() throws IOException {
        try (InputStream in =
                new GZIPInputStream(getClass().getResourceAsStream("huggingface_hub-1.33.0-cache.tar.gz"))) {
            untar(in, directory);
        }
        repository = directory.resolve("hub").resolve("models--Salesforce--blip2-test");
        offline = HubEnvironment.of(Map.of("HF_HOME", directory.toString(), "HF_HUB_OFFLINE", "1"));
    }

    /** The parts of ustar that such a cache needs: folders, files and links, with names of up to 100 bytes in two fields. */
    private static void untar(InputStream in, Path target) throws IOException {
        while (true) {
            byte[] header = in.readNBytes(512);
            if (header.length < 512 || header[0] == 0) {
                return;
            }
            String prefix = text(header, 345, 155);
            Path path = target.resolve((prefix.isEmpty() ? "" : prefix + "/") + text(header, 0, 100));
            int size = Integer.parseInt(text(header, 124, 12).strip(), 8);
            byte[] content = in.readNBytes((size + 511) / 512 * 512);
            switch (header[156]) {
                case '5' -> Files.createDirectories(path);
                case '2' -> Files.createSymbolicLink(path, Path.of(text(header, 157, 100)));
                case '0' -> Files.write(path, java.util.Arrays.copyOf(content, size));
                default -> throw new IOException("unexpected kind of entry: " + (char) header[156]);
            }
        }
    }

    private static String text(byte[] header, int from, int length) {
        String field = new String(header, from, length, StandardCharsets.UTF_8);
        int end = field.indexOf('\0');
        return end < 0 ? field : field.substring(0, end);
    }

    private Path snapshot() throws IOException {
        return repository.resolve("snapshots").resolve(Files.readString(repository.resolve("refs/main")));
    }

    @Test
    void itIsReadOffline() throws IOException {
        Path folder = ModelSource.of(ID, offline).resolve(Download.NEVER);
        assertThat(folder).isEqualTo(snapshot());
        assertThat(HubTestBase.names(folder)).contains("config.json", "model.safetensors", "README.md");
        assertThat(HubServer.hex("SHA-256", Files.readAllBytes(folder.resolve("model.safetensors"))))
                .isEqualTo(Files.readSymbolicLink(folder.resolve("model.safetensors"))
                        .getFileName()
                        .toString());
    }

    @Test
    void itIsReadWithoutItsListOfFilesAsOlderVersionsLeaveIt() throws IOException {
        Files.delete(repository.resolve("trees").resolve(snapshot().getFileName() + ".json"));
        assertThat(ModelSource.of(ID, offline).resolve(Download.NEVER)).isEqualTo(snapshot());
        Files.delete(snapshot().resolve("tokenizer.json"));
        assertThatThrownBy(() -> ModelSource.of(ID, offline).resolve(Download.NEVER))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("got it without tokenizer.json or another vocabulary;");
        Files.delete(snapshot().resolve("model.safetensors"));
        assertThatThrownBy(() -> ModelSource.of(ID, offline).resolve(Download.NEVER))
                .hasMessageContaining("got it without model.safetensors;");
    }

    @Test
    void aFileThatItsListNamesAndThatIsMissingIsMissed() throws IOException {
        Files.delete(snapshot().resolve("generation_config.json"));
        assertThatThrownBy(() -> ModelSource.of(ID, offline).resolve(Download.NEVER))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("got it without generation_config.json;");
    }

    @Test
    void whatElseIsInItStaysAsItWas() throws IOException {
        try (HubServer server = new HubServer()) {
            HubServer.Repository next = HubTestBase.model(server, ID);
            String commit = next.commit("main");
            Path old = snapshot();
            String tree = Files.readString(repository.resolve("trees").resolve(old.getFileName() + ".json"));
            Path folder = ModelSource.of(
                            ID,
                            HubEnvironment.of(
                                    Map.of("HF_HOME", directory.toString(), "HF_ENDPOINT", server.endpoint())))
                    .update(Download.ALWAYS);
            assertThat(folder.getFileName()).hasToString(commit);
            assertThat(repository.resolve("refs/main")).hasContent(commit);
            assertThat(HubTestBase.names(old)).contains("README.md", "model.safetensors");
            assertThat(repository.resolve("trees").resolve(old.getFileName() + ".json"))
                    .hasContent(tree);
            assertThat(ModelSource.of(ID + "@" + old.getFileName(), offline).resolve(Download.NEVER))
                    .isEqualTo(old);
        }
    }
}
