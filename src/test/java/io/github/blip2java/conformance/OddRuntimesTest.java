/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.cli.Blip2;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Processes of their own: runtimes without some module, several class loaders, a user without rights. */
class OddRuntimesTest {
    private static final String MODEL = Resources.checkpoint("opt-tiny").toString();
    private static final String CAT = Resources.photo("cat.jpg").toString();

    @TempDir
    Path directory;

    /** What a process printed, on both streams, and how it ended. */
    private record Ended(int code, String printed) {}

    private static Ended java(List<String> before, List<String> flags, Class<?> program, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(before);
        command.addAll(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx512m",
                "--enable-native-access=ALL-UNNAMED",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"));
        if (Runtime.version().feature() >= 23) {
            command.add("--sun-misc-unsafe-memory-access=allow"); // keeps ND4J's warnings away
        }
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), printed);
    }

    @Test
    void aRuntimeWithoutJdkManagementLeavesTheMemoryCheckOut() throws Exception {
        Ended ended = java(
                List.of(),
                List.of("--limit-modules", "java.se,jdk.unsupported,jdk.zipfs"),
                Blip2.class,
                "caption",
                "--model",
                MODEL,
                CAT);
        assertThat(ended.code()).as(ended.printed()).isZero();
        assertThat(ended.printed().lines().filter(line -> !line.startsWith("WARNING: ")))
                .hasSize(1);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aProcessorWithoutBfloat16RefusesItsArithmetic() throws Exception {
        Ended ended = java(
                List.of("env", "ONEDNN_MAX_CPU_ISA=AVX2"),
                List.of(),
                Blip2.class,
                "caption",
                "--model",
                MODEL,
                "--arithmetic",
                "bf16",
                CAT);
        assertThat(ended.code()).as(ended.printed()).isEqualTo(2);
        assertThat(ended.printed().lines().filter(line -> !line.startsWith("WARNING: ")))
                .singleElement()
                .asString()
                .matches(
                        "blip2: arithmetic bf16: expected oneDNN \\(module blip2-onednn\\) on a processor that multiplies bfloat16,"
                                + " x86 with AVX512_BF16 or AMX; got oneDNN [0-9.]+ \\([^)]+\\); leave it at f32, which gives the ids of"
                                + " transformers in float32 too");
    }

    /** A user without a home has the home "?" in Java. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void withoutAHomeLibrariesAreUnpackedToAFolderOfThisUsers() throws Exception {
        Path tmp = Files.createDirectory(directory.resolve("tmp"));
        List<String> noHome = List.of("env", "-u", "XDG_CACHE_HOME", "-u", "DJL_CACHE_DIR", "-u", "ENGINE_CACHE_DIR");
        List<String> flags = List.of("-Duser.home=?", "-Djava.io.tmpdir=" + tmp);
        Ended ended = java(noHome, flags, Blip2.class, "caption", "--model", MODEL, CAT);
        assertThat(ended.code()).as(ended.printed()).isZero();
        Path own = tmp.resolve("blip2-" + Files.getAttribute(tmp, "unix:uid"));
        for (Path folder : List.of(own, own.resolve(".javacpp/cache"), own.resolve(".djl.ai"))) {
            assertThat(folder).isNotEmptyDirectory();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
                    .isEqualTo("rwx------");
        }
        assertThat(Path.of("?")).doesNotExist();
    }

    /** What a user has chosen stays, whoever may write to it. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void foldersForLibrariesThatSomebodySetStay() throws Exception {
        Path javacpp = directory.resolve("javacpp");
        Path djl = directory.resolve("djl");
        Ended ended = java(
                List.of("env", "-u", "ENGINE_CACHE_DIR", "DJL_CACHE_DIR=" + djl),
                List.of("-Duser.home=?", "-Djava.io.tmpdir=" + directory, "-Dorg.bytedeco.javacpp.cachedir=" + javacpp),
                Blip2.class,
                "caption",
                "--model",
                MODEL,
                CAT);
        assertThat(ended.code()).as(ended.printed()).isZero();
        assertThat(javacpp).isNotEmptyDirectory();
        assertThat(djl).isNotEmptyDirectory();
        assertThat(directory.resolve("blip2-" + Files.getAttribute(directory, "unix:uid")))
                .isDirectoryNotContaining(path -> !path.endsWith(".djl.ai")); // for JNA
        assertThat(Path.of("?")).doesNotExist();
    }

    /**
     * Reads a WebP picture in two class loaders with all classes of their own, after ImageIO was used: its registry knows the readers that
     * were visible then, and keeps them for good.
     */
    static final class WebpTwice {
        private WebpTwice() {}

        public static void main(String[] args) throws Exception {
            System.out.println(ImageIO.getImageReadersByFormatName("webp").hasNext());
            for (int i = 0; i < 2; i++) {
                ClassLoader own = new URLClassLoader(Twice.urls(file -> true), ClassLoader.getPlatformClassLoader());
                Thread.currentThread().setContextClassLoader(own);
                Class<?> reader = Class.forName("io.github.blip2java.processor.ImageReader", true, own);
                System.out.println(reader.getMethod("read", Path.class).invoke(null, Path.of(args[0])));
                ImageIO.scanForPlugins();
            }
        }
    }

    @Test
    void webpIsReadInEveryClassLoaderAfterImageIoWasUsed() throws Exception {
        Path webp = Resources.root().resolve("images/ground/lossy.webp");
        // Only the program's own class is visible to ImageIO: libraries are in the class loaders.
        String libraries = System.getProperty("java.class.path");
        List<String> command = List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "--enable-native-access=ALL-UNNAMED",
                "-Dlibraries=" + libraries,
                "-cp",
                Path.of(WebpTwice.class
                                .getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toURI())
                        .toString(),
                WebpTwice.class.getName(),
                webp.toString());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
        assertThat(printed.lines().filter(line -> !line.startsWith("WARNING: ") && !line.startsWith("SLF4J")))
                .containsExactly("false", "Image[24x17]", "Image[24x17]");
    }

    /** Captions in two class loaders, each with all classes of its own, as two web applications have them. */
    static final class Twice {
        private Twice() {}

        public static void main(String[] args) throws Exception {
            boolean shared = args.length > 1;
            ClassLoader parent = ClassLoader.getPlatformClassLoader();
            if (shared) {
                parent = new URLClassLoader(urls(file -> !file.contains("blip2-")), parent);
            }
            for (int i = 0; i < 3; i++) {
                ClassLoader own = new URLClassLoader(urls(file -> !shared || file.contains("blip2-")), parent);
                Thread.currentThread().setContextClassLoader(own);
                Class<?> tokenizer = Class.forName("io.github.blip2java.processor.tokenizer.Tokenizer", true, own);
                Method fromPretrained = tokenizer.getMethod("fromPretrained", Path.class);
                try {
                    fromPretrained.invoke(null, Path.of(args[0]));
                    System.out.println("loaded");
                } catch (java.lang.reflect.InvocationTargetException e) {
                    System.out.println(e.getCause());
                }
            }
        }

        private static URL[] urls(Predicate<String> wanted) {
            return Arrays.stream(System.getProperty("libraries", System.getProperty("java.class.path"))
                            .split(File.pathSeparator))
                    .filter(wanted)
                    .map(Twice::url)
                    .toArray(URL[]::new);
        }

        private static URL url(String file) {
            try {
                return Path.of(file).toUri().toURL();
            } catch (MalformedURLException e) {
                throw new IllegalArgumentException(e);
            }
        }
    }

    @Test
    void theTokenizersLibraryInTwoClassLoadersNamesTheCauseAndTheRemedy() throws Exception {
        Ended ended = java(List.of(), List.of(), Twice.class, MODEL);
        assertThat(ended.code()).as(ended.printed()).isZero();
        List<String> lines = ended.printed()
                .lines()
                .filter(line -> !line.startsWith("WARNING: "))
                .toList();
        assertThat(lines).as(ended.printed()).hasSize(3);
        assertThat(lines.get(0)).isEqualTo("loaded");
        assertThat(lines.subList(1, 3))
                .allSatisfy(line -> assertThat(line)
                        .startsWith("java.lang.IllegalStateException: the native tokenizer library is in use by another"
                                + " class loader of this process")
                        .contains(
                                "put ai.djl.huggingface:tokenizers and ai.djl:api where one class loader serves both"));
        // The remedy: the libraries in one class loader, the program's own classes in one for each.
        Ended remedied = java(List.of(), List.of(), Twice.class, MODEL, "shared");
        assertThat(remedied.printed().lines().filter(line -> !line.startsWith("WARNING: ")))
                .as(remedied.printed())
                .containsExactly("loaded", "loaded", "loaded");
    }

    /** Root may read everything unless it gives that right up. */
    private static List<String> withoutRights(Path probe) throws IOException {
        boolean root = Integer.valueOf(0).equals(Files.getAttribute(probe, "unix:uid", LinkOption.NOFOLLOW_LINKS));
        String rights = "-dac_override,-dac_read_search";
        return root ? List.of("setpriv", "--bounding-set", rights, "--inh-caps", rights) : List.of();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void whatMayNotBeReadIsNamedWithItsOwner() throws Exception {
        String me = System.getProperty("user.name");
        Path cat = Files.copy(Path.of(CAT), directory.resolve("cat.jpg"));
        Path model = Resources.copy(Path.of(MODEL), directory.resolve("model"));
        Map<Path, Integer> codes = Map.of(
                cat,
                1,
                model.resolve("model.safetensors"),
                2,
                model.resolve("tokenizer.json"),
                2,
                model.resolve("config.json"),
                2);
        for (Map.Entry<Path, Integer> entry : codes.entrySet()) {
            Path file = entry.getKey();
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("-wx-wx-wx"));
            Ended ended = java(
                    withoutRights(directory), List.of(), Blip2.class, "caption", "--model", model.toString(), "" + cat);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
            assertThat(ended.printed())
                    .contains("blip2: " + file + ": may not be read: it belongs to " + me + " (-wx-wx-wx), and this"
                            + " program runs as " + me + "; ask for the right to read it (chmod a+r \"" + file + "\")");
            assertThat(ended.code()).isEqualTo(entry.getValue());
        }
        Files.setPosixFilePermissions(model, PosixFilePermissions.fromString("---------"));
        Ended ended = java(withoutRights(directory), List.of(), Blip2.class, "info", model.toString());
        Files.setPosixFilePermissions(model, PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThat(ended.printed()).contains("blip2: " + model, "may not be read: ", " belongs to " + me, "chmod a+rx");
        assertThat(ended.code()).isEqualTo(2);
    }
}
