/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.search;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that indexes is killed at random moments, {@code -Dblip2.test.kills=N} of them. Each time the index must open, and hold
 * pictures of the folder alone; a last run must finish it.
 */
class KilledIndexingTest {
    private static final int KILLS = Integer.getInteger("blip2.test.kills", 8);
    private static final int PICTURES = 300;

    @TempDir
    private Path temporary;

    /** The process: indexes, and says how far it is. */
    public static final class Child {
        private Child() {}

        public static void main(String[] folder) throws IOException {
            IndexOptions options = IndexOptions.defaults().withCommitAfter(Duration.ofMillis(20));
            try (PictureIndex index = PictureIndex.open(Path.of(folder[0]), new FakeEncoder(), options)) {
                index.refresh(new RefreshListener() {
                    @Override
                    public void encoding(long done, long total) {
                        System.out.println(done);
                    }
                });
            }
        }
    }

    @Test
    void anIndexOutlivesItsProcess() throws Exception {
        Path folder = Files.createDirectories(temporary.resolve("pictures"));
        Random random = new Random(3);
        int names = 0;
        Set<String> pictures = new HashSet<>();
        for (int kill = 0; kill < KILLS; kill++) {
            // Some new pictures, some gone ones, so that there is always something to do.
            while (pictures.size() < PICTURES) {
                String name = names++ + ".png";
                Files.writeString(folder.resolve(name), "word" + name);
                pictures.add(name);
            }
            killAtSomeMoment(folder, random);
            try (PictureIndex index = open(folder)) {
                List<PictureHit> found = index.search("any", all());
                assertThat(found).extracting(PictureHit::path).doesNotHaveDuplicates();
                for (PictureHit hit : found) {
                    String word = "word" + hit.path();
                    assertThat(index.search(word, all().withTop(1)))
                            .extracting(PictureHit::path)
                            .containsExactly(hit.path());
                }
            }
            for (String name : List.copyOf(pictures)) {
                if (random.nextInt(3) == 0) {
                    Files.delete(folder.resolve(name));
                    pictures.remove(name);
                }
            }
        }
        try (PictureIndex index = open(folder)) {
            assertThat(index.refresh(RefreshListener.NONE).pictures()).isEqualTo(pictures.size());
            assertThat(index.search("any", all()))
                    .extracting(PictureHit::path)
                    .containsExactlyInAnyOrderElementsOf(pictures);
        }
    }

    private static PictureIndex open(Path folder) throws IOException {
        return PictureIndex.open(folder, new FakeEncoder(), IndexOptions.defaults());
    }

    private static SearchOptions all() {
        return SearchOptions.defaults().withTop(10_000).withRerank(0).withExact(true);
    }

    private void killAtSomeMoment(Path folder, Random random) throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Child.class.getName(),
                        folder.toString())
                .redirectError(temporary.resolve("stderr").toFile())
                .start();
        try (BufferedReader progress = process.inputReader()) {
            // In the middle of its work mostly, and at times just before its end.
            for (int lines = random.nextInt(PICTURES / 8); lines > 0; lines--) {
                if (progress.readLine() == null) {
                    break;
                }
            }
            TimeUnit.MICROSECONDS.sleep(random.nextInt(20_000));
        } finally {
            process.destroyForcibly();
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        }
        assertThat(Files.readString(temporary.resolve("stderr"))).doesNotContain("Exception");
    }
}
