/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.cli.Blip2;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code caption} and {@code answer} over whole folders: what is printed and written, what goes on after a run was stopped. */
class FolderCommandsTest {
    private static final String MODEL = Resources.checkpoint("opt-tiny").toString();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String RATE = ", in \\d+:\\d\\d, [\\d.]+ pictures a minute";

    @TempDir
    Path directory;

    private Path photos;
    private Path output;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void makeFolder() throws IOException {
        photos = Files.createDirectories(directory.resolve("photos"));
        output = directory.resolve("captions.jsonl");
    }

    private Path picture(String name, int color) throws IOException {
        BufferedImage image = new BufferedImage(40, 30, BufferedImage.TYPE_INT_RGB);
        image.createGraphics().drawLine(0, 0, color % 40, 29);
        image.setRGB(5, 5, color * 7919);
        Path file = photos.resolve(name);
        Files.createDirectories(file.getParent());
        ImageIO.write(image, "png", file.toFile());
        return file;
    }

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        List<String> all = new ArrayList<>(List.of(args));
        all.addAll(1, List.of("--model", MODEL, "--max-new-tokens", "4"));
        return Blip2.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(all.toArray(String[]::new));
    }

    private List<String> messages() {
        return err.toString().lines().toList();
    }

    private static List<JsonNode> rows(Path file) throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        for (String line : Files.readString(file).split("\n")) {
            rows.add(JSON.readTree(line));
        }
        return rows;
    }

    private static List<String> names(Path file) throws IOException {
        return rows(file).stream().map(row -> row.get("file_name").textValue()).toList();
    }

    @Test
    void aFolderIsCaptionedInOrderOfNames() throws IOException {
        picture("b.png", 1);
        picture("a.png", 2);
        picture("sub/c.png", 3);
        Files.writeString(photos.resolve("notes.txt"), "no picture");
        assertThat(run("caption", photos.toString())).as(err.toString()).isZero();
        assertThat(out.toString().lines())
                .extracting(line -> line.substring(0, 6))
                .containsExactly("a.png\t", "b.png\t");
        assertThat(messages()).singleElement().asString().matches("blip2: 2 captioned" + RATE);

        assertThat(run("caption", photos.toString(), "-r", "--json")).isZero();
        JsonNode last = JSON.readTree(out.toString().lines().toList().get(2));
        assertThat(last.get("file").textValue()).isEqualTo("sub/c.png");
        assertThat(last.get("token_ids")).isNotEmpty();

        assertThat(run("caption", photos.toString(), "-r", "--output", output.toString(), "--unordered"))
                .isZero();
        assertThat(names(output)).containsExactlyInAnyOrder("a.png", "b.png", "sub/c.png");
        assertThat(rows(output)).allSatisfy(row -> {
            assertThat(row.get("text").isTextual()).isTrue();
            assertThat(row.get("size").longValue())
                    .isEqualTo(Files.size(photos.resolve(row.get("file_name").textValue())));
        });
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void textsAreThoseOfTheSamePicturesAlone() throws IOException {
        String cat = Resources.photo("cat.jpg").toString();
        String coffee = Resources.photo("coffee.jpg").toString();
        assertThat(run("caption", "--json", cat, coffee)).isZero();
        List<String> alone = new ArrayList<>();
        for (String line : out.toString().lines().toList()) {
            alone.add(JSON.readTree(line).get("text").textValue());
        }
        assertThat(run("caption", cat, coffee, "-o", output.toString(), "--prefix", "<", "--suffix", ">"))
                .isZero();
        assertThat(rows(output))
                .extracting(row -> row.get("text").textValue())
                .containsExactlyElementsOf(
                        alone.stream().map(text -> "<" + text + ">").toList());
        assertThat(names(output)).containsExactly(cat, coffee);
    }

    @Test
    void whatIsDoneIsSkippedAndWhatChangedIsMadeAnew() throws IOException {
        for (String name : List.of("a.png", "b.png", "c.png")) {
            picture(name, 1);
        }
        Files.writeString(photos.resolve("bad.png"), "no picture");
        Files.write(photos.resolve("phone.heic"), "\0\0\0\30ftypheic\0\0\0\0heicmif1".getBytes(StandardCharsets.UTF_8));
        assertThat(run("caption", photos.toString(), "-o", output.toString())).isEqualTo(1);
        assertThat(messages()).hasSize(3);
        assertThat(messages().get(0)).startsWith("blip2: " + photos.resolve("bad.png") + ": expected a JPEG, PNG");
        assertThat(messages().get(1))
                .startsWith("blip2: " + photos.resolve("phone.heic"))
                .contains("HEIC", "convert");
        assertThat(messages().get(2)).matches("blip2: 3 captioned, 2 failed" + RATE);
        byte[] first = Files.readAllBytes(output);

        Files.delete(photos.resolve("bad.png"));
        Files.delete(photos.resolve("phone.heic"));
        assertThat(run("caption", photos.toString(), "-o", output.toString())).isZero();
        assertThat(messages()).containsExactly("blip2: 0 captioned, 3 done before"); // no model is loaded
        assertThat(Files.readAllBytes(output)).isEqualTo(first);

        picture("b.png", 3);
        Files.setLastModifiedTime(photos.resolve("b.png"), FileTime.fromMillis(1_700_000_000_123L));
        picture("d.png", 4);
        assertThat(run("caption", photos.toString(), "-o", output.toString())).isZero();
        assertThat(messages()).singleElement().asString().startsWith("blip2: 2 captioned, 2 done before, in ");
        assertThat(names(output)).containsExactly("a.png", "c.png", "b.png", "d.png");
        assertThat(rows(output).get(2).get("modified").textValue()).isEqualTo("2023-11-14T22:13:20.123Z");

        byte[] before = Files.readAllBytes(output);
        assertThat(run("caption", photos.toString(), "-o", output.toString(), "--overwrite", "--dtype", "int3"))
                .isEqualTo(2);
        assertThat(run("caption", photos.toString(), "-o", output.toString(), "--overwrite", "--prompt", "<image>"))
                .isEqualTo(2);
        assertThat(messages().get(0)).startsWith("blip2: text: expected none with <image>");
        assertThat(Files.readAllBytes(output)).isEqualTo(before);
        assertThat(run("caption", photos.toString(), "-o", output.toString(), "--overwrite"))
                .isZero();
        assertThat(messages()).singleElement().asString().startsWith("blip2: 4 captioned, in ");
        assertThat(names(output)).containsExactly("a.png", "b.png", "c.png", "d.png");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void namesOfAllKindsComeBack() throws Exception {
        List<String> odd = List.of(
                " blank.png",
                "\"quotes\" 'n' \\.png",
                "#comma,;.png",
                "line\nbreak.png",
                "tab\t.png",
                "猫 \ud83d\ude00 é.png");
        for (String name : odd) {
            picture(name, 5);
        }
        Path bytes = directory.resolve("make.sh");
        Files.writeString(bytes, "cp \"$1/#comma,;.png\" \"$1/$(printf 'latin\\351.png')\"");
        assertThat(new ProcessBuilder("sh", bytes.toString(), photos.toString())
                        .start()
                        .waitFor())
                .isZero();
        for (Path file : List.of(output, directory.resolve("captions.csv"))) {
            assertThat(run("caption", photos.toString(), "-o", file.toString())).isEqualTo(1);
            assertThat(messages().get(0))
                    .isEqualTo(
                            "blip2: " + photos + "/latin\ufffd.png: expected a name in UTF-8, got bytes that are none,"
                                    + " shown as \ufffd; rename it, for example with: convmv -f latin1 -t utf8 --notest FILE");
            assertThat(run("caption", photos.toString(), "-o", file.toString())).isEqualTo(1);
            assertThat(messages().get(1)).isEqualTo("blip2: 0 captioned, 6 done before, 1 failed");
        }
        assertThat(names(output)).containsExactlyInAnyOrderElementsOf(odd);
        assertThat(Files.readString(directory.resolve("captions.csv")))
                .startsWith("file_name,text,size,modified\n\" blank.png\",\"")
                .contains("\"\"\"quotes\"\" 'n' \\.png\",\"", "\n\"line\nbreak.png\",\"");
    }

    @Test
    void severalQuestionsAreAskedAboutEachPicture() throws IOException {
        picture("a.png", 1);
        picture("b.png", 2);
        Path questions = Files.writeString(directory.resolve("questions.txt"), "where is it?\n\n  what is this?\r\n");
        assertThat(run(
                        "answer",
                        photos.toString(),
                        "what is this?",
                        "-q",
                        "which colour?",
                        "--questions",
                        questions.toString()))
                .as(err.toString())
                .isZero();
        assertThat(out.toString().lines().map(line -> line.substring(0, line.lastIndexOf('\t'))))
                .containsExactly(
                        "a.png\twhat is this?",
                        "a.png\twhich colour?",
                        "a.png\twhere is it?",
                        "b.png\twhat is this?",
                        "b.png\twhich colour?",
                        "b.png\twhere is it?");
        String printed = out.toString();
        assertThat(messages()).singleElement().asString().startsWith("blip2: 2 answered, in ");

        assertThat(run("answer", photos.toString(), "which colour?", "-o", output.toString()))
                .isZero();
        assertThat(run("answer", photos.toString(), "what is this?", "which colour?", "-o", output.toString()))
                .isZero();
        assertThat(run("answer", photos.toString(), "what is this?", "which colour?", "-o", output.toString()))
                .isZero();
        assertThat(messages()).containsExactly("blip2: 0 answered, 2 done before");
        assertThat(rows(output))
                .hasSize(4)
                .allSatisfy(row -> assertThat(printed)
                        .contains(row.get("file_name").textValue() + "\t"
                                + row.get("question").textValue() + "\t"
                                + row.get("text").textValue() + "\n"));
        Path picture = photos.resolve("a.png");
        assertThat(run("answer", picture.toString(), "what is this?", "which colour?"))
                .isZero();
        assertThat(out.toString().lines().map(line -> "a.png\t" + line))
                .allSatisfy(line -> assertThat(printed).contains(line + "\n"));

        assertThat(run(
                        "answer",
                        photos.toString(),
                        "what is this?",
                        "-o",
                        directory.resolve("a.csv").toString()))
                .isZero();
        assertThat(Files.readString(directory.resolve("a.csv")))
                .startsWith("file_name,question,text,size,modified\n\"a.png\",\"what is this?\",\"");
    }

    @Test
    void listsNamePicturesAndFolders() throws IOException {
        Path a = picture("a.png", 1);
        Path b = picture("line\nbreak.png", 2);
        picture("sub/c.png", 3);
        Path list = Files.writeString(directory.resolve("list"), a + "\n\n" + photos.resolve("sub") + "\r\n" + a);
        assertThat(run("caption", "--files-from", list.toString(), "-o", output.toString()))
                .isZero();
        assertThat(names(output)).containsExactly(a.toString(), photos + "/sub/c.png");
        assertThat(messages()).singleElement().asString().startsWith("blip2: 2 captioned, 1 done before, in ");

        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream((b + "\0" + a + "\0").getBytes(StandardCharsets.UTF_8)));
            assertThat(run("answer", "--files-from", "-", "-0", "what is this?", "-o", directory + "/a.jsonl"))
                    .isZero();
        } finally {
            System.setIn(before);
        }
        assertThat(names(directory.resolve("a.jsonl"))).containsExactly(b.toString(), a.toString());

        assertThat(run("caption", "--files-from", directory + "/none")).isEqualTo(2);
        assertThat(messages())
                .containsExactly(
                        "blip2: --files-from: " + directory + "/none: expected a file with a name in each line, got"
                                + " none that can be read; check the path");
        Files.writeString(list, directory.resolve("gone.png") + "\n" + directory.resolve("gone") + "\n" + a);
        assertThat(run("caption", "--files-from", list.toString())).isEqualTo(1);
        assertThat(messages().subList(0, 2))
                .containsExactly(
                        "blip2: " + directory.resolve("gone.png") + ": no such file; check the path",
                        "blip2: " + directory.resolve("gone") + ": no such file; check the path");
    }

    @Test
    void textsLieBesidePictures() throws IOException {
        picture("a.png", 1);
        picture("sub/b.png", 2);
        Files.writeString(photos.resolve("a.txt"), "mine");
        assertThat(run("caption", photos.toString(), "-r", "--format", "txt-sidecar", "--prefix", "mylora, "))
                .isZero();
        assertThat(messages()).singleElement().asString().startsWith("blip2: 1 captioned, 1 done before, in ");
        assertThat(photos.resolve("a.txt")).hasContent("mine");
        assertThat(Files.readString(photos.resolve("sub/b.txt")))
                .startsWith("mylora, ")
                .endsWith("\n");
        assertThat(run("caption", photos.toString(), "--format", "TXT-sidecar", "--overwrite"))
                .isZero();
        assertThat(Files.readString(photos.resolve("a.txt"))).isNotEqualTo("mine");

        Files.writeString(photos.resolve("a.xmp"), "no XMP");
        assertThat(run("caption", photos.toString(), "-r", "--format", "xmp-sidecar"))
                .isEqualTo(1);
        assertThat(messages().get(0))
                .startsWith("blip2: " + photos + "/a.xmp: expected XMP, XML with one element rdf:RDF");
        assertThat(photos.resolve("a.xmp")).hasContent("no XMP");
        assertThat(photos.resolve("sub/b.xmp")).content().contains("<rdf:li xml:lang=\"x-default\">");
    }

    @Test
    void optionsThatDoNotGoTogetherAreRefused() throws IOException {
        picture("a.png", 1);
        String folder = photos.toString();
        String file = output.toString();
        String[][] wrong = {
            {"caption", folder, "-"},
            {
                "IMAGE: expected files and folders, got - too; describe the picture from standard input in a call of its own"
            },
            {"caption", folder, "--stream"},
            {"--stream: expected some pictures by name, got a folder, a list or a file for results; leave it out"},
            {"caption", folder, "--format", "txt-sidecar", "-o", file},
            {
                "--output: expected none with --format txt-sidecar, whose files lie beside the pictures; leave one of the two out"
            },
            {"caption", folder, "--format", "csv"},
            {"--format csv: expected --output too, got none; name a file, or use --json"},
            {"caption", folder, "--format", "xml"},
            {"--format: expected jsonl, csv, txt-sidecar or xmp-sidecar, got \"xml\""},
            {"caption", folder, "--json", "-o", file},
            {"--json: expected results on standard output, got --output or --format; leave it out"},
            {"caption", folder, "--overwrite"},
            {"--overwrite: expected --output or --format, got none; leave it out"},
            {"caption", folder, "-0"},
            {"--null: expected --files-from too, got none; leave it out"},
            {"caption", folder, "--candidates", "2", "--format", "txt-sidecar"},
            {
                "--candidates: expected --format jsonl, got txt-sidecar, which has room for one text alone; change one of the two"
            },
            {"caption", folder, "--logprobs", "-o", file + ".csv"},
            {"--logprobs: expected --format jsonl, got csv, which has room for one text alone; change one of the two"},
            {"answer", folder, "a?", "b?", "--format", "txt-sidecar"},
            {"QUESTION: expected one with --format txt-sidecar, got 2; a file beside a picture holds one text"},
            {"answer", folder, "a?", "--questions", file},
            {
                "--questions: " + file
                        + ": expected a file with a question in each line, got nothing there; check the path"
            },
            {"answer", folder},
            {
                "Missing required parameter: 'QUESTION'; ask one behind the picture, --question or --questions; for a description without a question use `blip2 caption`"
            },
            {"answer"},
            {"Missing required parameter: 'IMAGE'; name a picture file or a folder, or a list of them with --files-from"
            },
            {"caption"},
            {"Missing required parameter: 'IMAGE'; name picture files or folders, or a list of them with --files-from"},
            {"caption", folder, "-o", folder},
            {folder + ": expected the name of a file, got a folder; name a file in it"},
            {"caption", folder, "--beams", "0", "-o", file},
            {"--beams: expected a whole number from 1 to 2147483647, got 0"},
        };
        for (int i = 0; i < wrong.length; i += 2) {
            assertThat(run(wrong[i])).as(String.join(" ", wrong[i])).isEqualTo(2);
            assertThat(messages().get(0)).isEqualTo("blip2: " + wrong[i + 1][0]);
        }
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void foldersWithoutPicturesSaySo() throws IOException {
        assertThat(run("caption", photos.toString())).isEqualTo(1);
        assertThat(messages())
                .containsExactly(
                        "blip2: " + photos + ": expected pictures, found none; files are taken for pictures by the"
                                + " ends of their names, such as .jpg, .png, .webp");
        picture("sub/a.png", 1);
        assertThat(run("caption", photos.toString())).isEqualTo(1);
        assertThat(messages())
                .containsExactly("blip2: " + photos
                        + ": expected pictures, found none; --recursive enters the folders in" + " it, too");
    }

    @Test
    void severalCandidatesAndProbabilitiesAreInTheJson() throws IOException {
        picture("a.png", 1);
        assertThat(run("caption", photos.toString(), "-o", output.toString(), "--candidates", "3", "--logprobs"))
                .isZero();
        JsonNode row = rows(output).get(0);
        assertThat(row.get("alternatives")).hasSize(2);
        assertThat(row.get("log_probability").doubleValue()).isNegative();
    }

    @Test
    void aPageShowsAllThatIsInTheTable() throws IOException {
        picture("a.png", 1);
        Path page = directory.resolve("page.html");
        assertThat(run("answer", photos.toString(), "a?", "-o", output.toString()))
                .isZero();
        picture("<b> & \"c\".png", 2);
        assertThat(run("answer", photos.toString(), "a?", "b?", "-o", output.toString(), "--html", page.toString()))
                .as(err.toString())
                .isZero();
        String html = Files.readString(page);
        assertThat(html).contains("<b><bdi>&lt;b&gt; &amp; &quot;c&quot;.png</bdi></b>", "<bdi>a? ", "<bdi>b? ");
        assertThat(html.split("<figure>", -1)).hasSizeGreaterThan(2);
        assertThat(html.split(" alt=\"a.png: a\\? ", -1)).hasSizeGreaterThan(1);
        assertThat(html).contains("src=\"data:image/jpeg;base64,").doesNotContain("src=\"http");

        assertThat(run("caption", photos.toString(), "--html", page.toString(), "--links"))
                .isZero();
        String text = out.toString()
                .lines()
                .filter(line -> line.startsWith("a.png\t"))
                .findFirst()
                .orElseThrow();
        assertThat(Files.readString(page))
                .contains("src=\"./photos/a.png\" alt=\"a.png: "
                        + text.substring(6).replace("&", "&amp;"));
        assertThat(directory).isDirectoryNotContaining("glob:**.part");

        assertThat(run("caption", photos.toString(), "--html", page.toString(), "--format", "txt-sidecar"))
                .isEqualTo(2);
        assertThat(run("caption", photos.toString(), "--links")).isEqualTo(2);
        assertThat(messages()).containsExactly("blip2: --links: expected --html too, got none; leave it out");
    }

    @Test
    void aTerminalShowsHowFarItIs() throws IOException {
        for (int i = 0; i < 20; i++) {
            picture(i + ".png", i);
        }
        Files.writeString(photos.resolve("bad.png"), "none");
        System.setProperty("blip2.terminal", "true");
        try {
            assertThat(run("caption", photos.toString(), "-o", output.toString()))
                    .isEqualTo(1);
        } finally {
            System.clearProperty("blip2.terminal");
        }
        assertThat(err.toString())
                .containsPattern("\r\033\\[K0( of 21)? pictures\r")
                .containsPattern("\r\033\\[K21 of 21 pictures, [\\d.]+ pictures a minute, 0:00 left\r");
    }

    @Test
    void aTextThatCannotBeWrittenConcernsItsPictureAlone() throws IOException {
        picture("a.png", 1);
        picture("b.png", 2);
        Files.createDirectories(photos.resolve("a.txt/in use"));
        assertThat(run("caption", photos.toString(), "--format", "txt-sidecar", "--overwrite"))
                .isEqualTo(1);
        assertThat(messages().get(0))
                .startsWith("blip2: " + photos + "/a.txt: expected to write the text of a picture, got \"")
                .endsWith(
                        "\"; make room on the disk, ask for the right to write there, or write one file for all elsewhere");
        assertThat(messages().get(1)).startsWith("blip2: 1 captioned, 1 failed, in ");
        assertThat(photos.resolve("b.txt")).isNotEmptyFile();
    }

    /** A limit on the length of files stands for a disk without room. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aFullDiskLeavesWholeRows() throws Exception {
        for (int i = 0; i < 60; i++) {
            picture(i + ".png", i);
        }
        List<String> command = new ArrayList<>(List.of("bash", "-c", "ulimit -f 2; exec \"$@\"", "bash"));
        command.addAll(command("caption", photos.toString(), "-o", output.toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(log).isEqualTo(2);
        assertThat(log)
                .contains("blip2: " + output.toRealPath()
                        + ": expected to write results, got \"File too large\"; make room on"
                        + " the disk, and start the same again\n");
        int rows = rows(output).size();
        assertThat(rows).isBetween(5, 40);
        assertThat(Files.readString(output)).endsWith("}\n");
        assertThat(run("caption", photos.toString(), "-o", output.toString())).isZero();
        assertThat(names(output)).hasSize(60).doesNotHaveDuplicates();
    }

    private static List<String> command(String... args) {
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx512m",
                "-XX:-UsePerfData", // which is a file, too
                "-cp",
                System.getProperty("java.class.path"),
                Blip2.class.getName()));
        command.addAll(Arrays.asList(args));
        command.addAll(List.of("--model", MODEL, "--max-new-tokens", "4"));
        return command;
    }

    /** The program in a process of its own, to which signals are as usual, whatever this one ignores. */
    private Process start(String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
        command.addAll(command(args));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile())
                .start();
    }

    private void awaitBytes(Process process, long bytes) throws Exception {
        while (process.isAlive() && (!Files.exists(output) || Files.size(output) < bytes)) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void killedAtAnyMomentItGoesOnAndEveryPictureHasOneRow() throws Exception {
        int count = 300;
        for (int i = 0; i < count; i++) {
            picture("folder " + i % 3 + "/" + i + ".png", i);
        }
        Random random = new Random(System.nanoTime());
        long before = 0;
        int kills = 0;
        for (int attempt = 0; attempt < 6; attempt++) {
            Process process = start("caption", photos.toString(), "-r", "-o", output.toString());
            awaitBytes(process, before + 1 + random.nextInt(6_000));
            process.destroyForcibly(); // SIGKILL
            kills += process.waitFor() == 128 + 9 ? 1 : 0;
            before = Files.size(output);
        }
        assertThat(kills).as(Files.readString(directory.resolve("log"))).isPositive();
        try (var cut = java.nio.channels.FileChannel.open(output, java.nio.file.StandardOpenOption.WRITE)) {
            cut.truncate(before - 17); // as a crash of the machine would leave it
        }
        assertThat(run("caption", photos.toString(), "-r", "-o", output.toString()))
                .isZero();
        assertThat(messages().get(0))
                .isEqualTo("blip2: " + output + ": its last row was cut off when a run was stopped; it is made again");
        assertThat(names(output)).hasSize(count).doesNotHaveDuplicates();
        assertThat(run("caption", photos.toString(), "-r", "-o", output.toString()))
                .isZero();
        assertThat(messages()).containsExactly("blip2: 0 captioned, 300 done before");

        Path whole = directory.resolve("whole.jsonl");
        assertThat(run("caption", photos.toString(), "-r", "-o", whole.toString()))
                .isZero();
        assertThat(rows(output)).containsExactlyInAnyOrderElementsOf(rows(whole));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void anInterruptLeavesWholeRowsAndSaysHowToGoOn() throws Exception {
        for (int i = 0; i < 300; i++) {
            picture(i + ".png", i);
        }
        Process process = start("caption", photos.toString(), "-o", output.toString());
        awaitBytes(process, 2_000);
        assertThat(new ProcessBuilder("kill", "-INT", String.valueOf(process.pid()))
                        .start()
                        .waitFor())
                .isZero();
        assertThat(process.waitFor())
                .as(Files.readString(directory.resolve("log")))
                .isEqualTo(130);
        String log = Files.readString(directory.resolve("log"));
        int rows = rows(output).size();
        assertThat(rows).isBetween(1, 299);
        assertThat(Files.readString(output)).endsWith("}\n");
        assertThat(log)
                .containsPattern(
                        "blip2: stopped: " + rows + " captioned" + RATE + "; the same command goes on from there\n");
        assertThat(run("caption", photos.toString(), "-o", output.toString())).isZero();
        assertThat(messages())
                .singleElement()
                .asString()
                .startsWith("blip2: " + (300 - rows) + " captioned, " + rows + " done before");
        assertThat(names(output)).hasSize(300).doesNotHaveDuplicates();
    }
}
