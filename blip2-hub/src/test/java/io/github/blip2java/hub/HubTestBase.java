/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A Hub with one model, and an empty cache. */
abstract class HubTestBase {
    static final String ID = "Salesforce/blip2-test";
    static final int SIZE = 300_000;

    @TempDir
    Path directory;

    final Map<String, String> environment = new HashMap<>();
    final List<Duration> pauses = new CopyOnWriteArrayList<>();
    HubServer server;
    HubServer.Repository repository;
    String commit;

    @BeforeEach
    void start() throws IOException {
        server = new HubServer();
        repository = model(server, ID);
        commit = repository.commit("main");
        environment.put("HF_ENDPOINT", server.endpoint());
        environment.put("HF_HUB_CACHE", cache().toString());
        environment.put("HF_TOKEN_PATH", directory.resolve("no-token").toString());
    }

    @AfterEach
    void stop() {
        server.close();
    }

    static HubServer.Repository model(HubServer server, String id) {
        return server.repository(id)
                .put("config.json", "{\"model_type\": \"blip-2\"}")
                .put("generation_config.json", "{}")
                .put("preprocessor_config.json", "{\"size\": 30}")
                .put("tokenizer.json", "{\"version\": \"1.0\"}")
                .put("tokenizer_config.json", "{}")
                .put("README.md", "# A model")
                .put(".gitattributes", "*.safetensors filter=lfs")
                .put("pytorch_model.bin", bytes(1, 1000))
                .put("model.safetensors", bytes(2, SIZE));
    }

    /** Two shards of one index in place of the single file. */
    static HubServer.Repository sharded(HubServer.Repository repository) {
        return repository
                .remove("model.safetensors")
                .put("model-00001-of-00002.safetensors", bytes(3, SIZE))
                .put("model-00002-of-00002.safetensors", bytes(4, SIZE / 2))
                .put("model.fp16-00001-of-00001.safetensors", bytes(5, 100))
                .put(
                        "model.safetensors.index.json",
                        "{\"weight_map\": {\"a\": \"model-00002-of-00002.safetensors\","
                                + " \"b\": \"model-00001-of-00002.safetensors\", \"c\": \"model-00001-of-00002.safetensors\"}}");
    }

    static byte[] bytes(int seed, int count) {
        byte[] bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    Path cache() {
        return directory.resolve("hub");
    }

    Path repositoryFolder() {
        return cache().resolve("models--Salesforce--blip2-test");
    }

    Path snapshot() {
        return repositoryFolder().resolve("snapshots").resolve(commit);
    }

    /** The contents of the blobs, by name. */
    Path blob(String name) {
        byte[] content = repository.content(name);
        boolean lfs = name.endsWith(".safetensors");
        return repositoryFolder()
                .resolve("blobs")
                .resolve(lfs ? HubServer.hex("SHA-256", content) : HubServer.gitHash(content));
    }

    Path partial(String name) {
        return blob(name).resolveSibling(blob(name).getFileName() + ".blip2-java.incomplete");
    }

    ModelSource source() {
        return source(ID);
    }

    ModelSource source(String model) {
        return source(model, progress -> {});
    }

    ModelSource source(String model, DownloadListener listener) {
        return new ModelSource(model, HubEnvironment.of(environment), listener, pauses::add);
    }

    static List<String> names(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }
}
