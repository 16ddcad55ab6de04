/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.blip2java.demo.DemoModel;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.StringWriter;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The documents: their Java compiles and runs, their links lead somewhere, and docs/cli.md is what the program says of itself. */
class DocumentsTest {
    private static final Path ROOT = Resources.root().resolve("../../..").normalize();

    /** A block of Java, and the comment before it where there is one. */
    private static final Pattern JAVA = Pattern.compile(
            "^(?:<!-- (?<note>[^>]*) -->\\n)?```java\\n(?<code>.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);

    /** What a block is compiled for, and not run: where it needs the network, or a server around it. */
    private static final String COMPILED_ONLY = "compiled only";

    private static final Pattern LINK =
            Pattern.compile("\\[[^]]*]\\((?!https?:)(?<file>[^)#\\s]*)(?:#(?<part>[^)\\s]*))?\\)");

    @TempDir
    private Path folder;

    private static List<Path> documents() throws IOException {
        try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
            return Stream.concat(Stream.of(ROOT.resolve("README.md"), ROOT.resolve("CONTRIBUTING.md")), docs)
                    .filter(file -> file.toString().endsWith(".md"))
                    .sorted()
                    .toList();
        }
    }

    @TestFactory
    List<DynamicTest> javaInDocumentsRuns() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path document : documents()) {
            Matcher blocks = JAVA.matcher(Files.readString(document));
            for (int number = 1; blocks.find(); number++) {
                String code = blocks.group("code");
                boolean run = !COMPILED_ONLY.equals(blocks.group("note"));
                tests.add(DynamicTest.dynamicTest(
                        ROOT.relativize(document) + ", block " + number, () -> compile(code, run)));
            }
        }
        assertThat(tests).hasSizeGreaterThan(3);
        return tests;
    }

    /** Names in the documents, and what stands for them here. */
    private static Map<String, Path> files() throws IOException {
        Map<String, Path> files = new LinkedHashMap<>();
        files.put("models/blip2-opt-2.7b", DemoModel.checkpoint());
        files.put("models/blip2-itm-vit-g", DemoModel.retrievalCheckpoint());
        files.put("cat.jpg", ROOT.resolve("docs/pictures/red-apple.png"));
        files.put("dog.jpg", ROOT.resolve("docs/pictures/bicycle.png"));
        return files;
    }

    private void compile(String code, boolean run) throws Exception {
        String body = code;
        for (Map.Entry<String, Path> file : files().entrySet()) {
            body = body.replace('"' + file.getKey() + '"', '"' + file.getValue().toString() + '"');
        }
        body = body.replace("Path.of(\"pictures\")", "Path.of(\"" + pictures() + "\")");
        String imports = body.lines().filter(line -> line.startsWith("import ")).collect(Collectors.joining("\n"));
        String statements =
                body.lines().filter(line -> !line.startsWith("import ")).collect(Collectors.joining("\n"));
        String source =
                imports + "\npublic class Block { public static void run() throws Exception {\n" + statements + "\n} }";
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        boolean compiled = compiler.getTask(
                        messages,
                        null,
                        null,
                        List.of("-d", folder.toString(), "-proc:none", "-cp", System.getProperty("java.class.path")),
                        null,
                        List.of(source(source)))
                .call();
        assertThat(compiled).as(messages + "\n" + source).isTrue();
        if (run) {
            PrintStream out = System.out;
            System.setOut(new PrintStream(OutputStream.nullOutputStream()));
            try (URLClassLoader loader =
                    new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
                loader.loadClass("Block").getMethod("run").invoke(null);
            } finally {
                System.setOut(out);
            }
        }
    }

    private Path pictures() throws IOException {
        Path pictures = Files.createDirectories(folder.resolve("pictures"));
        for (String name : List.of("red-apple.png", "bicycle.png")) {
            Path copy = pictures.resolve(name);
            if (!Files.exists(copy)) {
                Files.copy(ROOT.resolve("docs/pictures").resolve(name), copy);
            }
        }
        return pictures;
    }

    private static JavaFileObject source(String text) {
        return new SimpleJavaFileObject(URI.create("string:///Block.java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return text;
            }
        };
    }

    @Test
    void linksLeadSomewhere() throws IOException {
        List<String> dead = new ArrayList<>();
        for (Path document : documents()) {
            Matcher links = LINK.matcher(Files.readString(document).replaceAll("(?s)```.*?```", ""));
            while (links.find()) {
                Path target = links.group("file").isEmpty()
                        ? document
                        : document.resolveSibling(links.group("file")).normalize();
                if (!Files.exists(target)) {
                    dead.add(ROOT.relativize(document) + " → " + links.group());
                } else if (links.group("part") != null && !anchors(target).contains(links.group("part"))) {
                    dead.add(ROOT.relativize(document) + " → " + links.group() + ", no such heading");
                }
            }
        }
        assertThat(dead).isEmpty();
    }

    /** The names that headings get where documents are shown. */
    private static List<String> anchors(Path document) throws IOException {
        return Files.readAllLines(document).stream()
                .filter(line -> line.startsWith("#"))
                .map(line -> line.replaceFirst("^#+ ", "")
                        .toLowerCase(java.util.Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "")
                        .replace(' ', '-'))
                .toList();
    }

    @Test
    void theIndexNamesEveryDocument() throws IOException {
        String index = Files.readString(ROOT.resolve("docs/index.md"));
        assertThat(documents())
                .filteredOn(document -> document.getParent().endsWith("docs") && !document.endsWith("index.md"))
                .allSatisfy(document -> assertThat(index).contains("(" + document.getFileName() + ")"));
    }

    /** With {@code -Dblip2.docs.write} the file is written first. */
    @Test
    void theReferenceOfCommandsIsWhatTheProgramSays() throws IOException {
        Path file = ROOT.resolve("docs/cli.md");
        if (System.getProperty("blip2.docs.write") != null) {
            Files.writeString(file, CliReference.text());
        }
        assertThat(Files.readString(file))
                .as("docs/cli.md; write it with mvn test -pl src/test -am -Dtest=DocumentsTest -Dblip2.docs.write"
                        + " -Dsurefire.failIfNoSpecifiedTests=false")
                .isEqualTo(CliReference.text());
    }
}
