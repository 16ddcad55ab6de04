/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.checkpoint.WeightFormat;
import io.github.blip2java.cli.Blip2;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The command line program, run within the test's process: what it prints, where, and its exit code. */
class CommandLineTest {
    private static final String COMMANDS = Blip2.commandLine().getSubcommands().keySet().stream()
            .filter(name -> !name.equals("help"))
            .collect(Collectors.joining(", "));

    private static final String MODEL = Resources.checkpoint("opt-tiny").toString();
    private static final String CAT = Resources.photo("cat.jpg").toString();
    private static final String COFFEE = Resources.photo("coffee.jpg").toString();

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        return Blip2.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    private List<String> lines() {
        return out.toString().lines().toList();
    }

    @Test
    void onePictureGivesItsCaptionAlone() {
        assertThat(run("caption", "--model", MODEL, CAT)).isZero();
        assertThat(lines()).hasSize(1).first().asString().isNotBlank().doesNotContain("cat.jpg");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void severalPicturesAreNamedAndABrokenOneDoesNotStopTheOthers() throws IOException {
        Path broken =
                Files.write(directory.resolve("broken.png"), new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
        assertThat(run("caption", "--model", MODEL, CAT, broken.toString(), COFFEE, directory + "/missing.jpg"))
                .isEqualTo(1);
        assertThat(lines()).hasSize(2);
        assertThat(lines().get(0)).startsWith(CAT + "\t");
        assertThat(lines().get(1)).startsWith(COFFEE + "\t");
        assertThat(err.toString().lines())
                .hasSize(2)
                .allSatisfy(line -> assertThat(line).startsWith("blip2: " + directory));
    }

    /** A picture is as large as the small model takes, so that it reaches the model as it is. */
    @Test
    void aBackgroundLiesUnderTransparentPictures() throws IOException {
        BufferedImage picture = new BufferedImage(64, 64, BufferedImage.TYPE_INT_ARGB);
        picture.setRGB(9, 9, 0xff3366cc);
        Path clear = directory.resolve("clear.png");
        ImageIO.write(picture, "png", clear.toFile());
        BufferedImage onWhite = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
        onWhite.createGraphics().drawImage(picture, 0, 0, Color.WHITE, null);
        Path white = directory.resolve("white.png");
        ImageIO.write(onWhite, "png", white.toFile());

        for (String[] command : new String[][] {{"caption"}, {"answer"}}) {
            List<String> texts = new ArrayList<>();
            for (List<String> rest : List.of(
                    List.of(clear.toString()),
                    List.of(clear.toString(), "--background", "white"),
                    List.of(clear.toString(), "--background=#ffffff"),
                    List.of(white.toString()))) {
                List<String> args = new ArrayList<>(List.of(command[0], "--model", MODEL));
                args.addAll(rest);
                if (command[0].equals("answer")) {
                    args.add("what is this?");
                }
                out.getBuffer().setLength(0);
                assertThat(run(args.toArray(String[]::new))).as(err.toString()).isZero();
                texts.add(out.toString());
            }
            assertThat(texts.get(1)).isEqualTo(texts.get(3)).isEqualTo(texts.get(2));
            assertThat(texts.get(0)).isNotEqualTo(texts.get(1));
        }
        assertThat(run("caption", "--model", MODEL, "--background", "whitish", CAT))
                .isEqualTo(2);
        assertThat(err.toString())
                .startsWith("blip2: --background: expected a colour as #rrggbb, #rgb, or one of aqua, black,");
    }

    @Test
    void questionsAreCheckedBeforeThePictureIsRead() {
        String missing = directory + "/missing.jpg";
        assertThat(run("answer", "--model", MODEL, missing, "what is this?", " "))
                .isEqualTo(2);
        assertThat(run("answer", "--model", MODEL, missing, "what is <image>?")).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString().lines())
                .containsExactly(
                        "blip2: QUESTION: expected words, got \" \"; for a description without a question use `blip2"
                                + " caption`",
                        "blip2: text: expected none with <image>, which stands for a part of an image, got \"Question:"
                                + " what is <image>? Short answer:\"; leave it out, image tokens are added where they"
                                + " belong");
    }

    @Test
    void jsonHasEverythingAndLengthsAreKept() throws IOException {
        assertThat(run("caption", "--json", "--model", MODEL, "--max-new-tokens", "5", "--prompt", "a photo of", CAT))
                .isZero();
        JsonNode json = new ObjectMapper().readTree(lines().get(0));
        assertThat(json.get("file").textValue()).isEqualTo(CAT);
        assertThat(json.get("text").isTextual()).isTrue();
        assertThat(json.get("token_ids")).hasSize(5);
        assertThat(json.get("finish_reason").textValue()).isEqualTo("length");
        assertThat(json.get("seconds").doubleValue()).isPositive();
    }

    @Test
    void questionsAreAnsweredOneALine() {
        assertThat(run("answer", "--model", MODEL, CAT, "what is this?", "where is it?"))
                .isZero();
        assertThat(lines()).hasSize(2);
        assertThat(lines().get(0)).startsWith("what is this?\t");
        assertThat(run("answer", "--model", MODEL, directory + "/missing.jpg", "what?"))
                .isEqualTo(1);
        assertThat(err.toString()).startsWith("blip2: " + directory + "/missing.jpg");
    }

    @Test
    void infoShowsWhatACheckpointHolds() throws IOException {
        assertThat(run("info", MODEL)).isZero();
        assertThat(out.toString()).contains("language model", "opt", "parameters", "dtypes", "F32");
        out.getBuffer().setLength(0);
        assertThat(run("info", "--json", MODEL)).isZero();
        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertThat(json.get("bytes").longValue())
                .isEqualTo(4 * json.get("parameters").longValue());
    }

    @Test
    void checkpointsForRetrievalAreShownConvertedAndSentElsewhere() throws IOException {
        String itm = Resources.checkpoint("itm-tiny").toString();
        String target = directory.resolve("itm-int8").toString();
        assertThat(run("convert", itm, target, "--dtype", "int8")).isZero();
        out.getBuffer().setLength(0);
        assertThat(run("info", "--json", target)).isZero();
        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertThat(json.get("kind").asText())
                .isEqualTo("a checkpoint for image–text retrieval, without a language model");
        assertThat(json.get("use_with").asText()).startsWith("Blip2RetrievalPipeline, Blip2ForImageTextRetrieval, ");
        assertThat(json.get("quantised").asText()).isEqualTo("int8");
        assertThat(json.get("text_positions").intValue()).isEqualTo(24);
        assertThat(json.get("embedding_width").intValue()).isEqualTo(16);
        assertThat(json.has("language_model")).isFalse();
        String picture = Resources.photo("cat.jpg").toString();
        err.getBuffer().setLength(0);
        assertThat(run("caption", "--model", itm, picture)).isEqualTo(2);
        assertThat(err.toString())
                .contains("expected a checkpoint with a language model, for captions and answers, got a checkpoint for"
                        + " image–text retrieval, without a language model; read this one with Blip2RetrievalPipeline");
    }

    @Test
    void quantisedCheckpointsAreMadeShownAndUsed() throws IOException {
        for (String dtype : List.of("int8", "int4")) {
            String target = directory.resolve(dtype).toString();
            assertThat(run("convert", MODEL, target, "--dtype", dtype)).isZero();
            out.getBuffer().setLength(0);
            assertThat(run("info", "--json", target)).isZero();
            JsonNode quantised = new ObjectMapper().readTree(out.toString());
            out.getBuffer().setLength(0);
            assertThat(run("info", "--json", MODEL)).isZero();
            JsonNode floats = new ObjectMapper().readTree(out.toString());
            assertThat(quantised.get("quantised").textValue()).isEqualTo(dtype);
            assertThat(quantised.get("dtypes").textValue()).contains(dtype.equals("int8") ? "I8" : "U8", "F32");
            assertThat(quantised.get("parameters")).isEqualTo(floats.get("parameters"));
            assertThat(floats.has("quantised")).isFalse();
            out.getBuffer().setLength(0);
            assertThat(run("caption", "--model", target, CAT)).isZero();
            assertThat(lines()).hasSize(1);
            assertThat(run("caption", "--model", target, "--dtype", "f16", CAT)).isEqualTo(2);
            assertThat(err.toString()).contains("expected floats to make dtype f16 of, got " + dtype);
        }
    }

    @Test
    void verifySaysHowFarQuantisedWeightsAreOff() {
        String opt = Resources.reference().resolve("opt-tiny").toString();
        assertThat(run("verify", "--dtype", "int8", opt)).isZero();
        assertThat(out.toString())
                .contains("ok     expected.logits: max abs ", "(bound 0.0450, the reference itself ", "), cosine 0.999")
                .contains(": ids may differ with rounded weights: row 0 differs at ");
    }

    @Test
    void verifySaysWhetherAllHolds() throws IOException {
        String good = Resources.reference().resolve("opt-tiny").toString();
        assertThat(run("verify", good)).isZero();
        assertThat(lines()).last().asString().endsWith(" checks, 0 failed");
        out.getBuffer().setLength(0);

        Path changed = Resources.copy(Path.of(good), directory.resolve("changed"));
        Path json = changed.resolve("reference.json");
        Files.writeString(json, Files.readString(json).replace("\"max_new_tokens\": 20", "\"token_healing\": true"));
        assertThat(run("verify", "--json", changed.toString())).isEqualTo(1);
        ObjectMapper mapper = new ObjectMapper();
        JsonNode last = mapper.readTree(lines().get(lines().size() - 1));
        assertThat(last.get("checks").intValue()).isEqualTo(lines().size() - 1);
        assertThat(last.get("failed").intValue()).isPositive();
        assertThat(out.toString()).contains("generation option token_healing: expected none, got true");
    }

    @Test
    void benchPrintsTheFiguresOfItsPeer() throws IOException {
        assertThat(run("bench", "--json", "--model", MODEL, "--new-tokens", "4", "--runs", "2", "--batch", "2"))
                .isZero();
        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertThat(json.get("token_ids")).hasSize(4);
        assertThat(json.get("runs")).hasSize(2);
        for (String name : List.of("load_s", "vision_s", "first_token_s", "caption_s")) {
            assertThat(json.get(name).doubleValue()).as(name).isPositive();
        }
        assertThat(json.get("per_token_s").isNumber()).isTrue();
        assertThat(json.has("peak_rss_gib")).isTrue();
        assertThat(run("bench", "--model", MODEL, "--runs", "0")).isEqualTo(2);
        assertThat(err.toString()).contains("blip2: --runs: expected 1 or more, got 0");
    }

    @Test
    void benchTellsWhereTheTimeGoes() throws IOException {
        assertThat(run("bench", "--json", "--profile", "--model", MODEL, "--new-tokens", "4", "--runs", "1"))
                .isZero();
        JsonNode json = new ObjectMapper().readTree(out.toString());
        for (String stage : List.of("picture", "prompt", "token")) {
            JsonNode profile = json.get("profile").get(stage);
            assertThat(profile.get("millis").isNumber()).as(stage).isTrue();
            assertThat(profile.get("work").findValuesAsText("kind")).as(stage).contains("Linear", "LayerNorm");
        }
        // An array or more for each layer of the picture, and products in loops or, on one thread, alone.
        JsonNode picture = json.get("profile").get("picture");
        assertThat(picture.get("allocatedMib").doubleValue()).isPositive();
        assertThat(picture.get("millis").doubleValue())
                .isGreaterThanOrEqualTo(picture.get("aloneMillis").doubleValue());
        out.getBuffer().setLength(0);
        assertThat(run("bench", "--profile", "--model", MODEL, "--new-tokens", "1", "--runs", "1"))
                .isZero();
        assertThat(lines())
                .anyMatch(line -> line.matches("picture +[0-9.]+ ms, [0-9.]+ on one thread; [0-9]+ shared loops; .*"))
                .noneMatch(line -> line.startsWith("token "));
    }

    @Test
    void oneTokenHasNoTimeOfFurtherOnes() throws IOException {
        assertThat(run("bench", "--json", "--model", MODEL, "--new-tokens", "1", "--runs", "1"))
                .isZero();
        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertThat(json.get("token_ids")).hasSize(1);
        assertThat(json.get("per_token_s").isNull()).isTrue();
        out.getBuffer().setLength(0);
        assertThat(run("bench", "--model", MODEL, "--new-tokens", "1", "--runs", "1"))
                .isZero();
        assertThat(lines()).contains("per_token_s    -");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aModelTooLargeForTheMachineIsRefusedUnlessForced() throws IOException {
        Path model = Resources.copy(Path.of(MODEL), directory.resolve("large"));
        // 8 TiB, of which nothing but the header is on the disk.
        byte[] header =
                ("{\"language_model.a.weight\":{\"dtype\":\"F32\",\"shape\":[2097152,1048576],\"data_offsets\":[0,"
                                + (1L << 43) + "]}}")
                        .getBytes(StandardCharsets.UTF_8);
        ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
        start.putLong(header.length).put(header).flip();
        try (RandomAccessFile file =
                new RandomAccessFile(model.resolve("model.safetensors").toFile(), "rw")) {
            file.getChannel().write(start);
            file.setLength(start.limit() + (1L << 43));
        }
        assertThat(run("caption", "--model", model.toString(), CAT)).isEqualTo(2);
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .startsWith("blip2: " + model + ": expected 8192.3 GiB of memory for weights as stored, got ")
                .endsWith("; or load it all the same with --force (LoadOptions.withMemoryCheck(false))");
        assertThat(run("info", model.toString())).isZero();
        assertThat(out.toString()).contains("memory as stored gib   8192.3");
        assertThat(run("caption", "--force", "--model", model.toString(), CAT)).isEqualTo(2);
        assertThat(err.toString()).contains("expected a tensor \"vision_model.");
    }

    @Test
    void wrongUsageAndUnusableModelsExitWithTwo() {
        assertThat(run()).isEqualTo(2);
        assertThat(run("caption")).isEqualTo(2);
        assertThat(run("caption", "--model", MODEL, "--max-new-tokens", "many", CAT))
                .isEqualTo(2);
        assertThat(run("caption", "--model", MODEL, "--max-new-tokens", "0", CAT))
                .isEqualTo(2);
        assertThat(run("caption", "--model", directory.toString(), CAT)).isEqualTo(2);
        assertThat(run("info", directory + "/nowhere")).isEqualTo(2);
        assertThat(run("caption", "--model", directory + "/gone", CAT)).isEqualTo(2);
        assertThat(run("verify", directory.toString())).isEqualTo(2);
        assertThat(run("fly")).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString())
                .contains(
                        "blip2: expected a command: " + COMMANDS,
                        "blip2: Missing required parameter: 'IMAGE'",
                        "blip2: --max-new-tokens: expected a whole number from 1 to 2147483647, got 0",
                        "/nowhere: expected a checkpoint folder, found nothing there; check the path",
                        "/gone: expected a checkpoint folder, found nothing there; check the path",
                        "expected a reference case (checkpoint/, reference.safetensors, reference.json)",
                        "Try: blip2 caption --help")
                .doesNotContain("\tat ");
    }

    @Test
    void withoutAModelTheBundledOneIsUsedAndSaysSo() throws IOException {
        HeldOutDrawings.Drawing drawing = HeldOutDrawings.examples().get(0);
        String file = drawing.file().toString();
        assertThat(run("caption", file)).isZero();
        assertThat(lines()).containsExactly(drawing.caption().text());
        assertThat(err.toString().lines())
                .containsExactly(
                        "blip2: this is the small demo model, which knows drawings like emoji and no photographs."
                                + " For those type: blip2 caption --model Salesforce/blip2-opt-2.7b IMAGE... (which downloads"
                                + " 15 GB, once, and asks first)");

        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        assertThat(run("answer", "--json", file, "what is this?")).isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).get("text").textValue())
                .isNotBlank();
        assertThat(err.toString().lines())
                .singleElement()
                .asString()
                .contains(" type: blip2 answer --model Salesforce/blip2-opt-2.7b IMAGE QUESTION... (which");
    }

    @Test
    void theOtherCommandsTakeTheBundledModelToo() throws IOException {
        assertThat(run("info", "--json")).isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).get("bytes").longValue())
                .isLessThan(12_000_000);
        out.getBuffer().setLength(0);
        assertThat(run("bench", "--json", "--runs", "1", "--new-tokens", "2")).isZero();
        assertThat(new ObjectMapper().readTree(out.toString()).get("token_ids")).hasSize(2);
        assertThat(run("verify")).isZero();
        assertThat(lines()).last().asString().endsWith(" checks, 0 failed");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void helpExplainsEveryDtype() {
        for (String command : List.of("caption", "convert")) {
            out.getBuffer().setLength(0);
            assertThat(run(command, "--help")).isZero();
            for (WeightFormat format : WeightFormat.values()) {
                String name = format.name().toLowerCase(Locale.ROOT);
                boolean offered = format != WeightFormat.AUTO || command.equals("caption");
                assertThat(lines().stream().anyMatch(line -> line.matches(" +" + name + "  +[a-z0-9].*")))
                        .as(command + ": " + name)
                        .isEqualTo(offered);
            }
        }
    }

    @Test
    void everyCommandHasHelpWithAnExample() {
        for (String command : List.of(
                "caption",
                "answer",
                "score",
                "chat",
                "match",
                "classify",
                "embed",
                "info",
                "verify",
                "convert",
                "bench")) {
            out.getBuffer().setLength(0);
            assertThat(run(command, "--help")).isZero();
            assertThat(out.toString()).contains("Usage: blip2 " + command, "Example", "  blip2 " + command + " ");
        }
    }

    /** A stream that takes some bytes and then fails as the system words it. */
    private static PrintWriter failing(int bytes, String reason) {
        OutputStream stream = new OutputStream() {
            private int left = bytes;

            @Override
            public void write(int value) throws IOException {
                if (left-- <= 0) {
                    throw new IOException(reason);
                }
            }
        };
        return Blip2.output(stream, StandardCharsets.UTF_8);
    }

    @Test
    void aFullDiskIsOneLineAndExitCodeTwo() {
        for (String[] command : new String[][] {
            {"caption", "--model", MODEL, CAT, COFFEE},
            {"answer", "--model", MODEL, CAT, "what?"},
            {"info", MODEL},
            {"verify", Resources.reference().resolve("opt-tiny").toString()},
            {"--help"},
            {"caption", "--help"},
            {"--version"}
        }) {
            err.getBuffer().setLength(0);
            assertThat(Blip2.commandLine()
                            .setOut(failing(0, "No space left on device"))
                            .setErr(new PrintWriter(err, true))
                            .execute(command))
                    .as(String.join(" ", command))
                    .isEqualTo(2);
            assertThat(err.toString().lines())
                    .containsExactly(
                            "blip2: standard output: expected to write results, got \"No space left on device\";"
                                    + " make room on the disk or name another file, and start again");
        }
    }

    @Test
    void aClosedPipeEndsQuietlyWithoutFurtherWork() {
        List<String> pictures = Collections.nCopies(200, CAT); // several batches of at most 32
        List<String> command = new ArrayList<>(List.of("caption", "--model", MODEL));
        command.addAll(pictures);
        int[] written = {0};
        OutputStream head = new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                if (written[0] > 0 && value == CAT.charAt(0)) {
                    written[0]++;
                    throw new IOException("Broken pipe");
                }
                written[0] += value == '\n' ? 1 : 0;
            }
        };
        assertThat(Blip2.commandLine()
                        .setOut(Blip2.output(head, StandardCharsets.UTF_8))
                        .setErr(new PrintWriter(err, true))
                        .execute(command.toArray(String[]::new)))
                .isZero();
        assertThat(err.toString()).isEmpty();
        assertThat(written[0]).isEqualTo(2); // one line, and the one attempt that failed
    }

    @Test
    void anUnknownCommandNamesTheOneThatWasMeant() {
        for (String[] words : new String[][] {
            {"capton", CAT},
            {"ifno"},
            {"conv"},
            {"fly"},
            {"help", "anwser"},
            {"caption", "--modle", MODEL, CAT},
            {"score", "--sampling-rate", CAT, "a cat"},
            {"info", MODEL, MODEL}
        }) {
            assertThat(run(words)).isEqualTo(2);
        }
        assertThat(err.toString().lines().filter(line -> !line.startsWith("Try: ")))
                .containsExactly(
                        "blip2: expected a command, got \"capton\"; did you mean caption?",
                        "blip2: expected a command, got \"ifno\"; did you mean info?",
                        "blip2: expected a command, got \"conv\"; did you mean convert?",
                        "blip2: expected a command, got \"fly\"; there are " + COMMANDS,
                        "blip2: expected a command, got \"anwser\"; did you mean answer?",
                        "blip2: expected an option, got \"--modle\"; did you mean --model?",
                        "blip2: expected an option, got \"--sampling-rate\"; there are --prompt, --model,"
                                + " --yes, --background, --truncated, --dtype, --arithmetic, --threads, --force, --json, --help, --version",
                        "blip2: Unmatched argument at index 2: '" + MODEL + "'");
    }

    @Test
    void aNameThatBeginsWithAnAtSignIsANameLikeAnyOther() throws IOException {
        Path arguments = Files.writeString(directory.resolve("words.txt"), "--help");
        assertThat(run("caption", "--model", MODEL, "@" + arguments, CAT)).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo("blip2: @" + arguments + ": no such file; check the path" + System.lineSeparator());
        assertThat(lines()).singleElement().asString().startsWith(CAT + "\t");
    }

    @Test
    void aTabOrALineBreakInANameIsQuoted() throws IOException {
        Path odd = Files.copy(Path.of(CAT), directory.resolve("a\tb\nc.jpg"));
        assertThat(run("caption", "--model", MODEL, odd.toString(), CAT)).isZero();
        assertThat(lines()).hasSize(2);
        assertThat(lines().get(0)).startsWith("\"" + directory + "/a\\tb\\nc.jpg\"\t");
    }

    @Test
    void aPictureThatIsALinkToNothingOrHasANameThatIsNotUtf8SaysSo() throws IOException {
        Path link = Files.createSymbolicLink(directory.resolve("link.jpg"), Path.of("gone.jpg"));
        assertThat(run("caption", "--model", MODEL, link.toString(), directory + "/caf\ufffd.jpg", CAT))
                .isEqualTo(1);
        assertThat(run("answer", "--model", MODEL, link.toString(), "what?")).isEqualTo(1);
        String gone =
                "blip2: " + link + ": expected a file, got a link to gone.jpg, where nothing is; download it again,"
                        + " or copy the folder with the targets of its links (cp -rL)";
        assertThat(err.toString().lines())
                .containsExactly(
                        gone,
                        "blip2: " + directory
                                + "/caf\ufffd.jpg: expected a name in UTF-8, got bytes that are none, shown"
                                + " as \ufffd, and so cannot find it; rename it, for example with: convmv -f latin1 -t utf8"
                                + " --notest FILE",
                        gone);
    }

    @Test
    void theHubCachesFolderIsTakenForItsRevision() throws IOException {
        Path repository = directory.resolve("models--owner--name");
        Path snapshot = repository.resolve("snapshots/0123");
        Files.createDirectories(snapshot.getParent());
        Resources.copy(Path.of(MODEL), snapshot);
        Files.createDirectories(repository.resolve("refs"));
        Files.writeString(repository.resolve("refs/main"), "0123\n");
        assertThat(run("caption", "--model", MODEL, CAT)).isZero();
        assertThat(run("caption", "--model", repository.toString(), CAT)).isZero();
        assertThat(run("caption", "--model", repository.resolve("snapshots").toString(), CAT))
                .isZero();
        assertThat(run("info", repository.toString())).isZero();
        assertThat(run(
                        "convert",
                        repository.toString(),
                        directory.resolve("f16").toString(),
                        "--dtype",
                        "f16"))
                .isZero();
        assertThat(lines().subList(0, 3)).containsOnly(lines().get(0));
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void asManyTokensAsThereMayBeAreAskedForWithoutAnOverflow() {
        assertThat(run("caption", "--model", MODEL, "--max-new-tokens", "2147483647", CAT))
                .isZero();
        String caption = out.toString();
        assertThat(run("caption", "--model", MODEL, "--max-new-tokens", "2000000000", CAT))
                .isZero();
        assertThat(out).hasToString(caption + caption);
    }

    /** A fault of the program, which no message foresees. */
    @CommandLine.Command(name = "break")
    private static final class BreakingCommand implements Callable<Integer> {
        private final Throwable failure;

        BreakingCommand(Throwable failure) {
            this.failure = failure;
        }

        @Override
        public Integer call() throws Exception {
            if (failure instanceof Error error) {
                throw error;
            }
            throw (Exception) failure;
        }
    }

    @Test
    void aStackTraceIsShownOnlyWhenAskedFor() {
        for (Throwable failure : List.of(
                new NullPointerException("what"), new NoClassDefFoundError("what"), new StackOverflowError("what"))) {
            for (String option : List.of("", "--stacktrace", "--stack-trace")) {
                err.getBuffer().setLength(0);
                CommandLine line = Blip2.commandLine()
                        .addSubcommand(new BreakingCommand(failure))
                        .setErr(new PrintWriter(err, true));
                assertThat(option.isEmpty() ? line.execute("break") : line.execute(option, "break"))
                        .isEqualTo(2);
                assertThat(err.toString()).startsWith("blip2: " + failure + "; --stacktrace shows where, for a report");
                assertThat(err.toString().contains("\tat ")).isEqualTo(!option.isEmpty());
            }
        }
    }

    @Test
    void weightsThatVanishWhileTheyAreInUseAreOneLine() {
        CommandLine line = Blip2.commandLine()
                .addSubcommand(new BreakingCommand(new InternalError(
                        "a fault occurred in a recent unsafe memory access operation in compiled Java" + " code")))
                .setErr(new PrintWriter(err, true));
        assertThat(line.execute("break")).isEqualTo(2);
        assertThat(err.toString().lines())
                .containsExactly(
                        "blip2: weights: expected files that stay as they are while they are in use, got one that"
                                + " became shorter or cannot be read any more; put it back and start again");
    }

    /** What happens when the heap is full. */
    @CommandLine.Command(name = "fill")
    private static final class FillingCommand implements Callable<Integer> {
        @Override
        public Integer call() {
            throw new OutOfMemoryError("Java heap space");
        }
    }

    @Test
    void tooLittleMemoryIsOneLineAndAnErrorOfUse() {
        CommandLine line = Blip2.commandLine()
                .addSubcommand(new FillingCommand())
                .setErr(new PrintWriter(err, true))
                .setOut(new PrintWriter(out, true));
        assertThat(line.execute("fill")).isEqualTo(2);
        assertThat(err.toString().lines())
                .containsExactly(
                        "blip2: out of memory: expected enough for this model and these inputs, got Java heap space;"
                                + " give Java a larger heap, such as BLIP2_JAVA_OPTS=-Xmx4g, or close other programs");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void completionIsAScriptThatBashTakes() throws IOException, InterruptedException {
        assertThat(run("completion")).isZero();
        assertThat(out.toString()).contains("--max-new-tokens", "duplicates", "complete -F");
        Process bash =
                new ProcessBuilder("bash", "-n").redirectErrorStream(true).start();
        try (OutputStream script = bash.getOutputStream()) {
            script.write(out.toString().getBytes(StandardCharsets.UTF_8));
        }
        assertThat(new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEmpty();
        assertThat(bash.waitFor()).isZero();
    }
}
