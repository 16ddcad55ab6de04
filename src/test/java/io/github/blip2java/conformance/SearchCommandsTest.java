/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.cli.Blip2;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands on a folder of pictures: {@code index}, {@code search}, {@code duplicates}. */
class SearchCommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path PICTURES = Resources.root().resolve("demo/pictures");
    private static final String TWIN = "blip2: this is the retrieval twin of the small demo model";

    @TempDir
    private Path temporary;

    private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void pictures() throws IOException {
        folder = temporary.resolve("pictures");
        copy("red-apple.png", "red-apple.png");
        copy("bicycle.png", "below/bicycle.png");
        copy("owl.png", "owl.png");
    }

    private void copy(String drawing, String name) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.copy(PICTURES.resolve(drawing), file);
    }

    private int run(Object... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        String[] words = new String[args.length];
        for (int i = 0; i < words.length; i++) {
            words[i] = args[i].toString();
        }
        return Blip2.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(words);
    }

    private List<String> lines() {
        return out.toString().lines().toList();
    }

    private List<JsonNode> objects() throws IOException {
        List<JsonNode> objects = new ArrayList<>();
        for (String line : lines()) {
            objects.add(JSON.readTree(line));
        }
        return objects;
    }

    private List<String> errors() {
        return err.toString().lines().filter(line -> !line.startsWith(TWIN)).toList();
    }

    private void assertRefused(String message) {
        assertThat(out.toString()).isEmpty();
        assertThat(errors()).containsExactly("blip2: " + message);
    }

    @Test
    void indexSaysWhatItDid() throws IOException {
        assertThat(run("index", folder)).isZero();
        assertThat(lines()).containsExactly("3 pictures: 3 new, 0 changed, 0 gone; 0 unreadable");
        assertThat(err.toString().lines()).singleElement().asString().startsWith(TWIN);
        copy("banana.png", "banana.png");
        Files.delete(folder.resolve("owl.png"));
        Path bad = Files.writeString(folder.resolve("bad.jpg"), "");
        assertThat(run("index", folder, "--json")).isEqualTo(1);
        assertThat(errors()).singleElement().asString().startsWith("blip2: " + bad + ": ");
        JsonNode summary = objects().get(0);
        assertThat(summary.get("folder").textValue()).isEqualTo(folder.toString());
        assertThat(summary.get("pictures").intValue()).isEqualTo(3);
        assertThat(summary.get("added").intValue()).isEqualTo(1);
        assertThat(summary.get("changed").intValue()).isZero();
        assertThat(summary.get("removed").intValue()).isEqualTo(1);
        assertThat(summary.get("encoded").intValue()).isEqualTo(1);
        assertThat(summary.get("unreadable").intValue()).isEqualTo(1);
        assertThat(run("index", folder)).isZero();
        assertThat(lines()).containsExactly("3 pictures: 0 new, 0 changed, 0 gone; 1 unreadable");
        assertThat(errors()).isEmpty();
    }

    @Test
    void searchMakesTheIndexAndPrintsTheBestFirst() throws IOException {
        assertThat(run("search", folder, "a", "red", "apple")).isZero();
        assertThat(errors()).isEmpty();
        assertThat(lines()).hasSize(3);
        assertThat(lines().get(0))
                .matches(Pattern.quote(folder.resolve("red-apple.png") + "\t") + "0\\.\\d{4}\t0\\.\\d{4}");

        assertThat(run("search", folder, "a bicycle", "--no-rerank", "--top", "2"))
                .isZero();
        assertThat(lines()).hasSize(2);
        assertThat(lines().get(0)).matches(Pattern.quote(folder.resolve("below/bicycle.png") + "\t") + "0\\.\\d{4}");
        List<String> byCosine = lines();
        assertThat(run("search", folder, "a bicycle", "--no-rerank", "--top", "2", "--exact"))
                .isZero();
        assertThat(lines()).isEqualTo(byCosine);
    }

    @Test
    void searchPrintsJson() throws IOException {
        assertThat(run("search", folder, "a bicycle", "--json", "--rerank", "1"))
                .isZero();
        List<JsonNode> hits = objects();
        assertThat(hits).hasSize(3);
        JsonNode first = hits.get(0);
        assertThat(first.get("file").textValue())
                .isEqualTo(folder.resolve("below/bicycle.png").toString());
        assertThat(first.get("rank").intValue()).isEqualTo(1);
        assertThat(first.get("cosine").floatValue())
                .isGreaterThan(hits.get(1).get("cosine").floatValue());
        assertThat(first.get("match_probability").floatValue()).isGreaterThan(0.5f);
        assertThat(first.has("match_logit")).isTrue();
        assertThat(hits.get(1).has("match_probability")).isFalse();
    }

    @Test
    void searchFindsWhatIsLikeAPicture() {
        Path apple = PICTURES.resolve("red-apple.png");
        assertThat(run("search", folder, "--like", apple)).isZero();
        assertThat(lines().get(0)).isEqualTo(folder.resolve("red-apple.png") + "\t1.0000");
    }

    @Test
    void anIndexCanBeElsewhereAndStayAsItIs() throws IOException {
        assertThat(run("search", folder, "a banana", "--no-refresh")).isEqualTo(2);
        assertRefused(
                folder + ": expected an index to search as it is, found none with pictures; leave --no-refresh out");
        Path place = temporary.resolve("index");
        assertThat(run("index", folder, "--index", place)).isZero();
        assertThat(folder.resolve(".blip2-index")).doesNotExist();
        copy("banana.png", "banana.png");
        assertThat(run("search", folder, "a banana", "--index", place, "--no-refresh"))
                .isZero();
        assertThat(lines()).hasSize(3);
        assertThat(run("search", folder, "a banana", "--index", place)).isZero();
        assertThat(lines().get(0)).startsWith(folder.resolve("banana.png") + "\t");
        assertThat(run("index", folder, "--index", place, "--rebuild")).isZero();
        assertThat(lines()).containsExactly("4 pictures: 4 new, 0 changed, 0 gone; 0 unreadable");
    }

    @Test
    void duplicatesAreGrouped() throws IOException {
        copy("owl.png", "z/owl.png");
        assertThat(run("duplicates", folder)).isZero();
        assertThat(lines())
                .containsExactly(
                        "1\t" + folder.resolve("owl.png") + "\t1.0000", "1\t" + folder.resolve("z/owl.png") + "\tcopy");
        assertThat(run("duplicates", folder, "--json", "--threshold", "0.99")).isZero();
        assertThat(objects().get(0).get("copy").booleanValue()).isFalse();
        JsonNode copy = objects().get(1);
        assertThat(copy.get("group").intValue()).isEqualTo(1);
        assertThat(copy.get("file").textValue())
                .isEqualTo(folder.resolve("z/owl.png").toString());
        assertThat(copy.get("copy").booleanValue()).isTrue();
        assertThat(copy.get("copy_of").textValue()).isEqualTo("owl.png");
        assertThat(copy.get("cosine").floatValue()).isGreaterThan(0.9999f);

        Files.delete(folder.resolve("z/owl.png"));
        assertThat(run("duplicates", folder)).isZero();
        assertThat(lines()).isEmpty();
    }

    @Test
    void aPageShowsThePictures() throws IOException {
        String odd = "\"><script>alert(1)</script>&'`%3C ü\u202e😀.png";
        copy("banana.png", odd);
        Path html = temporary.resolve("page.html");
        assertThat(run("search", folder, "<b>fruit</b> & \"more\"", "--html", html))
                .isZero();
        String page = Files.readString(html);
        assertThat(page)
                .startsWith("<!DOCTYPE html>")
                .contains("<h1>&lt;b&gt;fruit&lt;/b&gt; &amp; &quot;more&quot;</h1>");
        assertThat(page).doesNotContain("<script>alert").doesNotContain("http");
        assertThat(page.split("<figure>", -1)).hasSize(5);
        assertThat(page.split("src=\"data:image/jpeg;base64,", -1)).hasSize(5);
        assertThat(page)
                .contains("alt=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;`%3C ü\u202e😀.png: match ");
        Matcher links = Pattern.compile("<a href=\"([^\"]*)\">").matcher(page);
        List<Path> linked = new ArrayList<>();
        while (links.find()) {
            linked.add(Path.of(html.toUri().resolve(links.group(1))));
        }
        assertThat(linked)
                .containsExactlyInAnyOrder(
                        folder.resolve("red-apple.png"),
                        folder.resolve("below/bicycle.png"),
                        folder.resolve("owl.png"),
                        folder.resolve(odd));

        // A page takes the place of an earlier one, and of nothing else.
        assertThat(run("search", folder, "an owl", "--html", html, "--links", "--top", "1"))
                .isZero();
        assertThat(Files.readString(html))
                .contains("src=\"./pictures/owl.png\"")
                .doesNotContain("base64");
        Path apple = folder.resolve("red-apple.png");
        byte[] before = Files.readAllBytes(apple);
        assertThat(run("search", folder, "an owl", "--html", apple)).isEqualTo(2);
        assertRefused("--html: " + apple
                + ": expected nothing there, or a page to be written anew, got something else; choose another name");
        assertThat(Files.readAllBytes(apple)).isEqualTo(before);
        Path nowhere = temporary.resolve("nowhere/page.html");
        assertThat(run("search", folder, "an owl", "--html", nowhere)).isEqualTo(2);
        assertRefused("--html: " + nowhere + ": expected a file in a folder that is there, got " + nowhere.getParent()
                + "; make the folder, or name another");
        try (var list = Files.list(temporary)) {
            assertThat(list).containsExactlyInAnyOrder(folder, html);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"index", "search", "duplicates"})
    void aFolderWithoutPicturesIsRefused(String command) throws IOException {
        Path empty = Files.createDirectory(temporary.resolve("empty"));
        Files.writeString(empty.resolve("notes.txt"), "");
        List<Object> args = new ArrayList<>(List.of(command, empty));
        if (command.equals("search")) {
            args.add("an owl");
        }
        assertThat(run(args.toArray())).isEqualTo(2);
        assertRefused(empty + ": expected pictures, found none here or below; name a folder that holds some");
        assertThat(empty.resolve(".blip2-index")).doesNotExist();
        args.set(1, temporary.resolve("nothing"));
        assertThat(run(args.toArray())).isEqualTo(2);
        assertRefused(args.get(1) + ": expected a folder of pictures, got nothing there; check the name");
    }

    @Test
    void wrongOptionsAreRefusedBeforeAnyWork() {
        assertThat(run("search", folder)).isEqualTo(2);
        assertRefused("TEXT: expected words, or a picture with --like, got neither; say what to look for");
        assertThat(run("search", folder, " ")).isEqualTo(2);
        assertRefused("TEXT: expected words, or a picture with --like, got neither; say what to look for");
        assertThat(run("search", folder, "an owl", "--like", PICTURES.resolve("owl.png")))
                .isEqualTo(2);
        assertRefused("TEXT: expected words, or a picture with --like, got both; leave one of the two out");
        assertThat(run("search", folder, "an owl", "--top", "0")).isEqualTo(2);
        assertRefused("top: expected 1 or more, got 0; it is how many pictures come out");
        assertThat(run("search", folder, "an owl", "--rerank", "-1")).isEqualTo(2);
        assertRefused("rerank: expected 0 or more, got -1; 0 looks at none again");
        assertThat(run("duplicates", folder, "--threshold", "2")).isEqualTo(2);
        assertRefused(
                "--threshold: expected above 0 and up to 1, got 2.0; it is the least cosine of two pictures that are alike");
        Path missing = folder.resolve("missing.png");
        assertThat(run("search", folder, "--like", missing)).isEqualTo(2);
        assertThat(errors()).singleElement().asString().startsWith("blip2: " + missing + ": ");
        assertThat(folder.resolve(".blip2-index")).doesNotExist();
    }

    @Test
    void anotherModelsPicturesAreRefused() {
        assertThat(run("index", folder)).isZero();
        assertThat(run("search", folder, "an owl", "--background", "white")).isEqualTo(2);
        assertThat(errors())
                .singleElement()
                .asString()
                .startsWith("blip2: " + folder.resolve(".blip2-index") + ": expected embeddings of the model in use, ")
                .endsWith("or make it again with --rebuild");
        assertThat(run("search", folder, "an owl", "--background", "white", "--rebuild"))
                .isZero();
    }

    @Test
    void whileAnotherProcessWritesOneCanSearch() throws Exception {
        assertThat(run("index", folder)).isZero();
        copy("banana.png", "banana.png");
        Path index = folder.resolve(".blip2-index");
        // As another process holds it: the lock is the system's, on this file.
        Process other = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holder.class.getName(),
                        index.resolve("write.lock").toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            assertThat(other.inputReader().readLine()).isEqualTo("held");
            String message =
                    "blip2: " + index + ": expected to be the only one to write this index, but another process or"
                            + " another part of this program does; wait until it is done";
            assertThat(run("index", folder)).isEqualTo(2);
            assertThat(errors()).containsExactly(message);
            assertThat(run("search", folder, "an owl")).isZero();
            assertThat(errors()).containsExactly(message + ". This searches what it holds so far");
            assertThat(lines()).hasSize(3);
        } finally {
            other.destroyForcibly().waitFor();
        }
        assertThat(run("search", folder, "an owl")).isZero();
        assertThat(lines()).hasSize(4);
    }

    /** Another process that writes the index. */
    static final class Holder {
        private Holder() {}

        public static void main(String[] file) throws Exception {
            try (FileChannel channel = FileChannel.open(Path.of(file[0]), StandardOpenOption.WRITE)) {
                channel.lock();
                System.out.println("held");
                Thread.sleep(600_000);
            }
        }
    }
}
