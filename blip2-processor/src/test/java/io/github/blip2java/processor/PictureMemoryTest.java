/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.processor;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.ComputeThreads;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Many and large pictures in a heap that has room for few of them, in processes of their own. All sizes are a twenty-fifth of what
 * they stand for: 0.96 megapixels for photographs of 24, 4.3 for those of 108, 40 MiB for 1 GiB, and what Java itself takes of a heap,
 * which is not smaller for smaller pictures.
 */
@Timeout(300)
class PictureMemoryTest {
    private static final int THREADS = 16;

    /** Seconds that a process may take. */
    private static final int LONGEST = 240;

    @TempDir
    static Path folder;

    private static Path small;
    private static Path smallPng;
    private static Path large;
    private static Path largePng;
    private static Path largest;

    @BeforeAll
    static void makePictures() throws IOException {
        small = picture("small.jpg", 1200, 800);
        smallPng = picture("small.png", 1200, 800);
        large = picture("large.jpg", 2400, 1800);
        largePng = picture("large.png", 2400, 1800);
        largest = picture("largest.jpg", 5000, 3000);
    }

    private static Path picture(String name, int width, int height) throws IOException {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
        Random random = new Random(width);
        int[] row = new int[width];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                row[x] = 0x10101 * ((x + y) / 40 % 256) ^ random.nextInt(8);
            }
            image.setRGB(0, y, width, 1, row, 0, width);
        }
        Path file = folder.resolve(name);
        ImageIO.write(image, name.substring(name.indexOf('.') + 1), file.toFile());
        return file;
    }

    /** A bitmap of 41 MiB, with pixels as many. */
    private static Path raw() throws IOException {
        ByteBuffer header = ByteBuffer.allocate(54).order(ByteOrder.LITTLE_ENDIAN);
        header.put((byte) 'B')
                .put((byte) 'M')
                .putInt(10, 54)
                .putInt(14, 40)
                .putInt(18, 4800)
                .putInt(22, 3000);
        header.putShort(26, (short) 1).putShort(28, (short) 24);
        Path file = Files.write(folder.resolve("raw.bmp"), header.array());
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(54 + 3 * 4800L * 3000);
        }
        return file;
    }

    /** Reads the files that are named as the pipeline does, and prints what became of them. */
    static final class Pipeline {
        private Pipeline() {}

        public static void main(String[] files) {
            Blip2ImageProcessor images = new Blip2ImageProcessor(ImageProcessorConfig.defaults());
            try (ComputeThreads threads = ComputeThreads.of(THREADS)) {
                new PictureFiles(images, ReadOptions.defaults(), threads, 32)
                        .forEachBatch(
                                Arrays.stream(files).map(Path::of).iterator(),
                                batch -> batch.forEach(read -> System.out.println(
                                        read.error() == null
                                                ? read.image()
                                                : read.error().getMessage())));
            }
        }
    }

    /** Reads the files that are named on threads of its own, from files, bytes and streams, and holds each for a while. */
    static final class Callers {
        private Callers() {}

        public static void main(String[] files) throws Exception {
            ExecutorService callers = Executors.newFixedThreadPool(THREADS);
            List<Future<String>> texts = new ArrayList<>();
            for (int i = 0; i < files.length; i++) {
                Path file = Path.of(files[i]);
                // The bytes of arrays and streams are the caller's own, so that these must be few.
                int way = Files.size(file) < 1 << 20 ? i % 3 : 0;
                texts.add(callers.submit(() -> use(read(file, way))));
            }
            callers.shutdown();
            for (Future<String> text : texts) {
                System.out.println(text.get());
            }
        }

        private static Image read(Path file, int way) throws IOException {
            return switch (way) {
                case 0 -> ImageReader.read(file);
                case 1 -> ImageReader.read(Files.readAllBytes(file));
                default -> ImageReader.read(new ByteArrayInputStream(Files.readAllBytes(file)));
            };
        }

        private static String use(Image image) throws InterruptedException {
            Thread.sleep(200); // a call of a model that waits for its turn
            return image.toString();
        }
    }

    private static List<String> run(Class<?> program, String heap, List<Path> files, String... flags)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                heap,
                "-Xlog:disable", // Java's warnings about full heaps go to stdout
                "-XX:ActiveProcessorCount=" + THREADS,
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"));
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
        files.forEach(file -> command.add(file.toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        // A process that hangs is to fail the test, and reading what it prints cannot be interrupted.
        CompletableFuture.delayedExecutor(LONGEST, TimeUnit.SECONDS).execute(process::destroyForcibly);
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
        return printed.lines().toList();
    }

    private static List<Path> hundredSmallAndFourLarge(long order) {
        List<Path> files = new ArrayList<>(Collections.nCopies(90, small));
        files.addAll(Collections.nCopies(10, smallPng));
        files.addAll(List.of(large, largePng, large, largePng));
        Collections.shuffle(files, new Random(order));
        return files;
    }

    @Test
    void aHundredPicturesAndFourLargeOnesAreAllReadInAnyOrder() throws Exception {
        // The collector of bin/blip2, with a young generation of an eighth as there, and Java's usual one.
        List<Path> files = hundredSmallAndFourLarge(1);
        assertThat(run(Pipeline.class, "-Xmx64m", files, "-XX:+UseParallelGC", "-Xmn8m"))
                .hasSameSizeAs(files)
                .containsOnly("Image[384x384]");
        List<Path> largeFirst = List.of(large, largePng, small, largePng, large, small, smallPng, small, large);
        assertThat(run(Pipeline.class, "-Xmx64m", largeFirst, "-XX:+UseG1GC"))
                .hasSameSizeAs(largeFirst)
                .containsOnly("Image[384x384]");
    }

    @Test
    void callersOnThreadsOfTheirOwnGetAllPictures() throws Exception {
        List<String> expected = new ArrayList<>();
        List<Path> files = hundredSmallAndFourLarge(3);
        files.forEach(file ->
                expected.add(file.equals(large) || file.equals(largePng) ? "Image[2400x1800]" : "Image[1200x800]"));
        assertThat(run(Callers.class, "-Xmx88m", files)).isEqualTo(expected);
    }

    @Test
    void aPictureThatIsTooLargeForTheHeapIsRefusedAloneWithAHeapThatWouldDo() throws Exception {
        List<Path> files = List.of(small, largest, small, largest, smallPng);
        List<String> lines = run(Pipeline.class, "-Xmx48m", files, "-XX:+UseParallelGC", "-Xmn8m");
        assertThat(lines).hasSize(5);
        assertThat(List.of(lines.get(0), lines.get(2), lines.get(4))).containsOnly("Image[384x384]");
        Matcher message = Pattern.compile(Pattern.quote(largest.toString())
                        + ": expected room for all its pixels in Java's heap, (\\d+) MiB, got \\d+ MiB in all; start Java"
                        + " with (-Xmx\\d+m) \\(for bin/blip2 in BLIP2_JAVA_OPTS\\), or scale the picture down")
                .matcher(lines.get(1));
        assertThat(message.matches()).as(lines.get(1)).isTrue();
        assertThat(lines.get(3)).isEqualTo(lines.get(1));
        // What stands in the file header: three bytes a pixel and the file.
        long needed = 3 * 5000L * 3000 + Files.size(largest);
        assertThat(message.group(1)).isEqualTo("" + (needed >> 20));
        // A file that cannot even be read is known by its first bytes.
        Path file = raw();
        assertThat(run(Pipeline.class, "-Xmx48m", List.of(file, small), "-XX:+UseParallelGC", "-Xmn8m"))
                .satisfiesExactly(
                        line -> assertThat(line)
                                .startsWith(file + ": expected room for all its pixels in Java's heap, 82 MiB, got")
                                .contains("start Java with -Xmx384m ("),
                        line -> assertThat(line).isEqualTo("Image[384x384]"));
        // The collector and the young generation of bin/blip2.
        assertThat(run(Pipeline.class, message.group(2), files, "-XX:+UseParallelGC", "-Xmn128m"))
                .hasSameSizeAs(files)
                .containsOnly("Image[384x384]");
    }
}
