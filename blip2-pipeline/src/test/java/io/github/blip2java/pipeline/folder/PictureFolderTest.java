/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.pipeline.folder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.generation.FinishReason;
import io.github.blip2java.pipeline.GeneratedText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Folders as people have them. */
class PictureFolderTest {
    private static final int MANY = 100_000;

    @TempDir
    Path directory;

    private final List<String> problems = new ArrayList<>();

    private Path file(String name) throws IOException {
        Path file = directory.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.createFile(file);
    }

    private List<String> names(PictureFolder folder) throws IOException {
        List<String> names = new ArrayList<>();
        folder.walk((place, reason) -> problems.add(reason.getMessage()))
                .forEachRemaining(picture -> names.add(picture.name()));
        return names;
    }

    @Test
    void picturesAreToldByTheEndsOfTheirNamesAndHiddenOnesDoNotCount() throws IOException {
        for (String name : List.of(
                "b.png",
                "a.JPG",
                "c.webp",
                "c.txt",
                "c.xmp",
                "captions.jsonl",
                ".hidden.png",
                "._a.JPG",
                "d.heic",
                "png",
                "e.tar.jpeg",
                ".git/f.png",
                "sub/g.png")) {
            file(name);
        }
        Files.createDirectory(directory.resolve("folder.png"));
        assertThat(names(PictureFolder.of(directory)))
                .containsExactly("a.JPG", "b.png", "c.webp", "d.heic", "e.tar.jpeg");
        assertThat(names(PictureFolder.of(directory).recursive(true)))
                .containsExactly("a.JPG", "b.png", "c.webp", "d.heic", "e.tar.jpeg", "sub/g.png");
        assertThat(names(PictureFolder.of(directory).recursive(true).ordered(false)))
                .containsExactlyInAnyOrder("a.JPG", "b.png", "c.webp", "d.heic", "e.tar.jpeg", "sub/g.png");
        assertThat(problems).isEmpty();
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void linksAreFollowedAndLoopsEnteredOnce() throws IOException {
        file("photos/a.png");
        file("elsewhere/b.png");
        Path photos = directory.resolve("photos");
        Files.createSymbolicLink(photos.resolve("loop"), directory);
        Files.createSymbolicLink(photos.resolve("self"), Path.of("."));
        Files.createSymbolicLink(photos.resolve("other"), directory.resolve("elsewhere"));
        Files.createSymbolicLink(photos.resolve("link.png"), directory.resolve("elsewhere/b.png"));
        Files.createSymbolicLink(photos.resolve("ring.png"), Path.of("ring.png"));
        Files.createSymbolicLink(photos.resolve("nothing.png"), Path.of("gone.png"));
        for (boolean ordered : new boolean[] {true, false}) {
            assertThat(names(PictureFolder.of(photos).recursive(true).ordered(ordered)))
                    .contains("a.png", "link.png", "nothing.png", "ring.png")
                    .filteredOn(name -> name.endsWith("b.png"))
                    .hasSize(1);
        }
        assertThat(problems).isEmpty();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void whatIsNoFileIsNoPicture() throws Exception {
        Path pipe = directory.resolve("pipe.png");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        file("a.png");
        assertThat(names(PictureFolder.of(directory))).containsExactly("a.png");
    }

    @Test
    void foldersThatCannotBeListedAreToldOfAndTheOthersAreWalked() throws IOException {
        file("a/1.png");
        file("b/2.png");
        file("c/3.png");
        for (boolean ordered : new boolean[] {true, false}) {
            List<String> names = new ArrayList<>();
            problems.clear();
            PictureWalk walk = new PictureWalk(
                    directory,
                    true,
                    ordered,
                    (place, reason) -> problems.add(place.getFileName() + ": " + reason.getMessage()),
                    (folder, wanted) -> {
                        if (folder.endsWith("b")) {
                            throw new AccessDeniedException(folder.toString());
                        }
                        return Files.newDirectoryStream(folder, wanted);
                    });
            walk.forEachRemaining(picture -> names.add(picture.name()));
            assertThat(names).containsExactlyInAnyOrder("a/1.png", "c/3.png");
            assertThat(problems)
                    .singleElement()
                    .asString()
                    .startsWith("b: " + directory.resolve("b") + ": may not be read");
        }
    }

    @Test
    void theFolderItselfMustBeThere() throws IOException {
        Path gone = directory.resolve("gone");
        assertThatThrownBy(() -> names(PictureFolder.of(gone)))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(gone + ": no such folder; check the path");
        Path file = file("a.png");
        assertThatThrownBy(() -> names(PictureFolder.of(file)))
                .isInstanceOf(IOException.class)
                .hasMessage(file + ": expected a folder, got something else");
    }

    @Test
    void whatVanishesMeanwhileIsNotThere() throws IOException {
        for (int i = 0; i < 4; i++) {
            file(i + ".png");
            file("sub" + i + "/" + i + ".png");
        }
        PictureWalk walk =
                PictureFolder.of(directory).recursive(true).walk((place, reason) -> problems.add(reason.getMessage()));
        assertThat(walk.next().name()).isEqualTo("0.png");
        Files.delete(directory.resolve("1.png"));
        Files.delete(directory.resolve("sub1/1.png"));
        Files.delete(directory.resolve("sub1"));
        List<String> names = new ArrayList<>();
        walk.forEachRemaining(picture -> names.add(picture.name()));
        assertThat(names).containsExactly("2.png", "3.png", "sub0/0.png", "sub2/2.png", "sub3/3.png");
        assertThat(problems).isEmpty();
    }

    @Test
    void moreNamesThanAreHeldComeInOrder() throws IOException {
        int count = 2 * Listing.PAGE + 500;
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String name = String.format("%06d.png", i * 7919 % count);
            Files.createFile(directory.resolve(name));
            expected.add(String.format("%06d.png", i));
        }
        assertThat(names(PictureFolder.of(directory))).isEqualTo(expected);
    }

    /** Walks a folder and keeps a text about each picture; then once more, when all is done. */
    static final class Many {
        public static void main(String[] args) throws IOException {
            Path folder = Path.of(args[0]);
            GeneratedText text = new GeneratedText(
                    "a picture", List.of(), FinishReason.EOS, List.of(), OptionalDouble.empty(), List.of());
            for (int run = 0; run < 2; run++) {
                long written = 0;
                try (CaptionTable table = CaptionTable.open(Path.of(args[1]), TableFormat.JSONL, false, false);
                        PictureWalk walk =
                                PictureFolder.of(folder).recursive(true).walk(PictureFolder.Listener.NONE)) {
                    while (walk.hasNext()) {
                        PictureFile picture = walk.next();
                        if (!table.isDone(picture, null)) {
                            table.write(picture, null, text);
                            written++;
                        }
                    }
                }
                System.out.println(written + " written");
            }
        }
    }

    @Test
    void aHundredThousandFilesFitIntoASmallHeap() throws Exception {
        Path folder = Files.createDirectory(directory.resolve("many"));
        Path file = Files.write(folder.resolve("0.png"), new byte[] {1});
        for (int i = 1; i < MANY; i++) {
            Files.createLink(
                    folder.resolve(i + ".png"),
                    i % 30_000 == 0 ? file = Files.write(directory.resolve(i + ".bin"), new byte[] {1}) : file);
        }
        Path table = directory.resolve("captions.jsonl");
        Process process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-Xmx48m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Many.class.getName(),
                        folder.toString(),
                        table.toString())
                .redirectErrorStream(true)
                .start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
        assertThat(printed.lines()).containsExactly(MANY + " written", "0 written");
        try (var lines = Files.lines(table)) {
            assertThat(lines.distinct().count()).isEqualTo(MANY);
        }
    }
}
