/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.blip2java.ComputeThreads;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One picture that cannot be read does not stop those beside it. */
class PictureFilesTest {

    /** One pixel, lossless. */
    private static final byte[] WEBP = Base64.getDecoder().decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==");

    private static final long HUGE = 3L << 30;

    /** Reads the files that are named, some at once, and prints what became of them. */
    static final class Read {
        public static void main(String[] files) {
            Blip2ImageProcessor images = new Blip2ImageProcessor(ImageProcessorConfig.defaults());
            try (ComputeThreads threads = ComputeThreads.of(2)) {
                new PictureFiles(images, ReadOptions.defaults(), threads, 2)
                        .forEachBatch(
                                Arrays.stream(files).map(Path::of).iterator(),
                                batch -> batch.forEach(
                                        read -> System.out.println(read.file().getFileName() + " is "
                                                + (read.error() == null
                                                        ? read.image()
                                                        : read.error().getMessage()))));
            }
        }
    }

    private static String read(List<Path> files, String... flags) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(), "-Xmx256m"));
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Read.class.getName()));
        files.forEach(file -> command.add(file.toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
        return printed;
    }

    private static Path png(Path file) throws IOException {
        ImageIO.write(new BufferedImage(5, 4, BufferedImage.TYPE_INT_RGB), "png", file.toFile());
        return file;
    }

    private static Path huge(Path file, byte[] start) throws IOException {
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.write(start);
            sparse.setLength(HUGE);
        }
        return file;
    }

    @Test
    void withoutATemporaryFolderOnlyWebpFailsAndSaysWhatToDo(@TempDir Path folder) throws Exception {
        Path missing = folder.resolve("no-such-folder");
        Path webp = Files.write(folder.resolve("b.webp"), WEBP);
        Path other = Files.write(folder.resolve("d.webp"), WEBP);
        List<Path> files = List.of(png(folder.resolve("a.png")), webp, png(folder.resolve("c.png")), other);

        assertThat(read(files, "-Djava.io.tmpdir=" + missing))
                .contains("a.png is Image[384x384]", "c.png is Image[384x384]")
                .contains("b.webp is " + webp
                        + ": expected a decoder that Java can load, got UnsatisfiedLinkError. WebP's is a library")
                .contains("d.webp is " + other
                        + ": expected a decoder that Java can load, got UnsatisfiedLinkError. WebP's is a library")
                .contains("that is unpacked into the temporary folder " + missing + ", which must be writable")
                .contains("name another with -Djava.io.tmpdir=FOLDER");
        assertThat(read(files)).contains("b.webp is Image[384x384]").contains("d.webp is Image[384x384]");
    }

    @Test
    void hugeFilesBetweenPicturesAreRefusedByTheirFirstBytesAndTheirSize(@TempDir Path folder) throws Exception {
        Path film = huge(folder.resolve("film.jpg"), "not a picture".getBytes(StandardCharsets.US_ASCII));
        Path jpeg = huge(folder.resolve("huge.jpg"), new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff, (byte) 0xe0});
        List<Path> files = List.of(png(folder.resolve("a.png")), film, png(folder.resolve("b.png")), jpeg);

        assertThat(read(files))
                .contains("a.png is Image[384x384]", "b.png is Image[384x384]")
                .contains(film + ": expected a JPEG, PNG")
                .contains("got " + HUGE + " bytes that begin with 6e 6f 74")
                .contains(
                        jpeg + ": expected a picture of at most 256 MiB, which Java's memory allows, got a file of 3072"
                                + " MiB; if it is a picture, save it again as JPEG or PNG");
    }

    @Test
    void streamsThatNeverEndAreRefusedByTheirFirstBytes() {
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                return 0;
            }
        };
        assertThatThrownBy(() -> ImageReader.read(endless))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("picture from a stream: expected a JPEG, PNG")
                .hasMessageEndingWith("got bytes that begin with 00 00 00 00 00 00 00 00; convert it to one of these");
    }
}
