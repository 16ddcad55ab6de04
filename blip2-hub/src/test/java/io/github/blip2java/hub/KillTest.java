/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A process that downloads is killed at random moments: what looks whole is whole, and the next run finishes. How often is a system
 * property, {@code blip2.test.kills}.
 */
class KillTest extends HubTestBase {
    private static final int KILLS = Integer.getInteger("blip2.test.kills", 20);

    /** Downloads in a process of its own. */
    public static final class Child {
        private Child() {}

        /** The name of the model. */
        public static void main(String[] arguments) throws IOException {
            System.out.println("started");
            ModelSource.of(arguments[0]).resolve(Download.ALWAYS);
            System.out.println("done");
        }
    }

    private Process child(Path output) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                ID);
        builder.environment().putAll(environment);
        return builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    }

    @Test
    void whatLooksWholeIsWholeAndTheNextRunFinishes() throws Exception {
        sharded(repository);
        commit = repository.commit("main");
        server.bytesPerSecond = 1_000_000; // the shards take 0.3 s
        Random random = new Random(42);
        int kills = 0;
        int finished = 0;
        int resumed = 0;
        List<String> outcomes = new ArrayList<>();
        while (kills < KILLS) {
            Path log = directory.resolve("output");
            int before = server.requests().size();
            Process child = child(log);
            boolean early = random.nextInt(8) == 0;
            while (child.isAlive()
                    && (early ? Files.size(log) == 0 : server.requests().size() == before)) {
                Thread.sleep(1);
            }
            Thread.sleep(random.nextInt(900));
            boolean alive = child.isAlive();
            child.destroyForcibly().waitFor();
            String output = Files.readString(log);
            kills += alive ? 1 : 0;
            assertLooksRight();
            resumed += Files.exists(partial("model-00001-of-00002.safetensors")) ? 1 : 0;
            if (output.contains("done")) {
                finished++;
            }
            outcomes.add(output);
            if (output.contains("done") || random.nextInt(4) == 0) {
                // Sometimes over what was left, else anew.
                finish();
                delete(cache());
            }
        }
        finish();
        assertThat(resumed).as("some were killed while the weights came").isPositive();
        System.out.printf(
                "killed %d times: %d had finished, %d left a part of the weights%n", kills, finished, resumed);
        assertThat(outcomes).noneMatch(output -> output.contains("Exception"));
    }

    @Test
    void processesThatStartTogetherLoadEachFileOnce() throws Exception {
        sharded(repository);
        commit = repository.commit("main");
        server.bytesPerSecond = 300_000; // so that all have started before the first is done
        List<Process> children = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            children.add(child(directory.resolve("output" + i)));
        }
        for (int i = 0; i < 3; i++) {
            assertThat(children.get(i).waitFor()).isZero();
            assertThat(directory.resolve("output" + i)).content().contains("done");
        }
        assertLooksRight();
        assertThat(server.loaded())
                .containsExactlyInAnyOrder("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
    }

    /** Without a connection: either the model is whole, or it is said not to be. */
    private void assertLooksRight() throws IOException {
        Path blobs = repositoryFolder().resolve("blobs");
        if (Files.exists(blobs)) {
            for (String name : names(blobs)) {
                if (name.matches("[0-9a-f]+")) {
                    byte[] content = Files.readAllBytes(blobs.resolve(name));
                    assertThat(name.length() == 64 ? HubServer.hex("SHA-256", content) : HubServer.gitHash(content))
                            .isEqualTo(name);
                }
            }
        }
        if (Files.exists(snapshot())) {
            for (String name : names(snapshot())) {
                assertThat(snapshot().resolve(name)).hasBinaryContent(repository.content(name));
            }
        }
        if (Files.exists(repositoryFolder().resolve("refs/main"))) {
            assertThat(repositoryFolder().resolve("refs/main")).hasContent(commit);
        }
        if (Files.exists(snapshot().resolve("config.json"))) {
            assertThat(names(snapshot())).as("config.json comes last").hasSize(8);
        }
        if (Files.exists(repositoryFolder().resolve("refs/main"))) {
            assertThat(source().resolve(Download.NEVER)).isEqualTo(snapshot());
        } else {
            assertThatThrownBy(() -> source().resolve(Download.NEVER)).isInstanceOf(HubException.class);
        }
    }

    private void finish() throws IOException {
        assertThat(source().resolve(Download.ALWAYS)).isEqualTo(snapshot());
        assertLooksRight();
        assertThat(names(snapshot())).hasSize(8);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
