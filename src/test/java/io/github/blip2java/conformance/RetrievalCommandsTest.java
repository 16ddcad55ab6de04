/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.ImageTextMatch;
import io.github.blip2java.RetrievalImages;
import io.github.blip2java.cli.Blip2;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.pipeline.LabelScore;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The commands that compare pictures and texts: what they print is what the library says, and where. */
class RetrievalCommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path PICTURES = Resources.root().resolve("demo/pictures");
    private static final String APPLE = PICTURES.resolve("red-apple.png").toString();
    private static final String BICYCLE = PICTURES.resolve("bicycle.png").toString();
    private static final String TWIN =
            "blip2: this is the retrieval twin of the small demo model, which knows drawings like emoji"
                    + " and no photographs. For those use --model Salesforce/blip2-itm-vit-g (which downloads 4.7 GB, once, and asks first)";

    private static Blip2RetrievalPipeline blip2;
    private static Image apple;
    private static Image bicycle;

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void load() throws IOException {
        blip2 = Blip2RetrievalPipeline.load(DemoModel.retrievalCheckpoint());
        apple = ImageReader.read(Path.of(APPLE));
        bicycle = ImageReader.read(Path.of(BICYCLE));
    }

    @AfterAll
    static void close() {
        blip2.close();
    }

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Blip2.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    private List<String> lines() {
        return out.toString().lines().toList();
    }

    private List<String> errors() {
        return err.toString().lines().toList();
    }

    private List<JsonNode> objects() throws IOException {
        List<JsonNode> objects = new ArrayList<>();
        for (String line : lines()) {
            objects.add(JSON.readTree(line));
        }
        return objects;
    }

    private static String number(float value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }

    @Test
    void matchPrintsBothMeasuresOfEveryPair() {
        assertThat(run("match", APPLE, BICYCLE, "--text", "a red apple", "a bicycle"))
                .isZero();
        List<String> texts = List.of("a red apple", "a bicycle");
        List<List<ImageTextMatch>> matches = blip2.match(List.of(apple, bicycle), texts);
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            for (int text = 0; text < 2; text++) {
                ImageTextMatch match = matches.get(i).get(text);
                expected.add(String.join(
                        "\t",
                        List.of(APPLE, BICYCLE).get(i),
                        texts.get(text),
                        number(match.cosine()),
                        number(match.matchProbability())));
            }
            assertThat(matches.get(i).get(i).matchProbability()).isGreaterThan(0.5f);
            assertThat(matches.get(i).get(1 - i).matchProbability()).isLessThan(0.5f);
        }
        assertThat(lines()).isEqualTo(expected);
        assertThat(errors()).containsExactly(TWIN);
    }

    @ParameterizedTest
    @CsvSource({"itc, true, false", "itm, false, true", "both, true, true"})
    void matchGivesTheMeasuresAskedFor(String mode, boolean cosine, boolean probability) throws IOException {
        assertThat(run("match", "--json", "--mode", mode, APPLE, "--text", "a red apple", "--text", "ein \"Apfel\""))
                .isZero();
        assertThat(lines()).hasSize(2);
        ImageTextMatch match = blip2.match(apple, "a red apple");
        JsonNode first = objects().get(0);
        assertThat(first.get("file").textValue()).isEqualTo(APPLE);
        assertThat(first.get("text").textValue()).isEqualTo("a red apple");
        assertThat(objects().get(1).get("text").textValue()).isEqualTo("ein \"Apfel\"");
        assertThat(first.has("cosine")).isEqualTo(cosine);
        assertThat(first.has("match_probability")).isEqualTo(probability);
        if (cosine) {
            assertThat(first.get("cosine").floatValue()).isCloseTo(match.cosine(), within(1e-5f));
        }
        if (probability) {
            assertThat(first.get("match_probability").floatValue()).isCloseTo(match.matchProbability(), within(1e-4f));
            assertThat(first.get("match_logit").floatValue()).isCloseTo(match.matchLogit(), within(1e-4f));
            assertThat(first.get("no_match_logit").floatValue()).isCloseTo(match.noMatchLogit(), within(1e-4f));
        }
        // One picture needs no name, and there is a column for each measure.
        run("match", "--mode", mode, APPLE, "--text", "a red apple");
        assertThat(lines()).hasSize(1);
        assertThat(lines().get(0).split("\t"))
                .hasSize(cosine && probability ? 3 : 2)
                .startsWith("a red apple");
    }

    @Test
    void classifyPutsTheBestLabelFirst() throws IOException {
        assertThat(run("classify", APPLE, BICYCLE, "--labels", "bicycle,red apple", "--labels", "cat", "--top", "2"))
                .isZero();
        List<String> labels = List.of("bicycle", "red apple", "cat");
        List<String> expected = new ArrayList<>();
        for (Image image : List.of(apple, bicycle)) {
            for (LabelScore score : blip2.classify(image, labels).subList(0, 2)) {
                expected.add(String.join(
                        "\t",
                        image == apple ? APPLE : BICYCLE,
                        score.label(),
                        number(score.probability()),
                        number(score.cosine())));
            }
        }
        assertThat(lines()).isEqualTo(expected);
        assertThat(lines().get(0)).startsWith(APPLE + "\tred apple\t");
        assertThat(lines().get(2)).startsWith(BICYCLE + "\tbicycle\t");
        assertThat(errors()).containsExactly(TWIN);

        assertThat(run("classify", "--json", APPLE, "--labels", "bicycle,red apple,cat"))
                .isZero();
        assertThat(objects()).hasSize(3).allMatch(line -> line.size() == 4);
        assertThat(objects().stream()
                        .mapToDouble(line -> line.get("probability").doubleValue())
                        .sum())
                .isCloseTo(1, within(1e-5));
    }

    @Test
    void templatesReplaceTheUsualOne() throws IOException {
        List<String> templates = List.of("a {}", "the {}");
        assertThat(run(
                        "classify",
                        "--json",
                        APPLE,
                        "--labels",
                        "apple,cat",
                        "--template",
                        "a {}",
                        "--template",
                        "the {}"))
                .isZero();
        LabelScore best = blip2.classifier(List.of("apple", "cat"), templates)
                .classify(apple)
                .get(0);
        assertThat(objects().get(0).get("label").textValue()).isEqualTo(best.label());
        assertThat(objects().get(0).get("cosine").floatValue()).isCloseTo(best.cosine(), within(1e-5f));
        assertThat(best.cosine())
                .isNotCloseTo(
                        blip2.classify(apple, List.of("apple", "cat")).get(0).cosine(), within(1e-3f));
    }

    @Test
    void embedWritesPicturesThenTexts() throws IOException {
        assertThat(run("embed", APPLE, BICYCLE, "--text", "a red apple")).isZero();
        assertThat(objects()).hasSize(3);
        float[][] images = blip2.embedImages(List.of(apple, bicycle));
        assertThat(objects().get(0).get("file").textValue()).isEqualTo(APPLE);
        assertClose(floats(objects().get(0).get("embedding")), images[0]);
        assertClose(floats(objects().get(1).get("embedding")), images[1]);
        assertThat(objects().get(2).get("text").textValue()).isEqualTo("a red apple");
        assertClose(floats(objects().get(2).get("embedding")), blip2.embedTexts(List.of("a red apple"))[0]);
        assertThat(errors()).containsExactly(TWIN);
    }

    @Test
    void embedGivesEveryQueryToo() throws IOException {
        Path file = directory.resolve("queries.jsonl");
        assertThat(run("embed", "--queries", APPLE, "-o", file.toString())).isZero();
        assertThat(out.toString()).isEmpty();
        JsonNode rows = JSON.readTree(Files.readString(file)).get("embedding");
        float[][] queries = blip2.encode(apple).queryEmbeddings(0);
        assertThat(rows).hasSize(queries.length);
        for (int query = 0; query < queries.length; query++) {
            assertClose(floats(rows.get(query)), queries[query]);
        }
    }

    /** The layout by numpy.lib.format; numpy itself read such a file when this was written. */
    @Test
    void npyHasARowForEveryNameAndNaNForWhatCannotBeRead() throws IOException {
        Path file = directory.resolve("all.npy");
        assertThat(run(
                        "embed",
                        "--format",
                        "npy",
                        "-o",
                        file.toString(),
                        APPLE,
                        "gone.png",
                        BICYCLE,
                        "--text",
                        "a cat"))
                .isEqualTo(1);
        assertThat(errors()).containsExactly(TWIN, "blip2: gone.png: no such file; check the path");
        assertThat(out.toString()).isEmpty();
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] magic = new byte[8];
        bytes.get(magic);
        assertThat(magic).containsExactly(0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0);
        byte[] header = new byte[bytes.getShort()];
        bytes.get(header);
        assertThat(bytes.position() % 64).isZero();
        assertThat(new String(header, StandardCharsets.US_ASCII))
                .startsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 64), }")
                .endsWith("\n");
        float[][] rows = new float[4][64];
        for (float[] row : rows) {
            bytes.asFloatBuffer().get(row);
            bytes.position(bytes.position() + row.length * Float.BYTES);
        }
        assertThat(bytes.hasRemaining()).isFalse();
        RetrievalImages images = blip2.encode(List.of(apple, bicycle));
        assertClose(rows[0], images.embedding(0));
        assertThat(rows[1]).containsOnly(Float.NaN);
        assertClose(rows[2], images.embedding(1));
        assertClose(rows[3], blip2.embedTexts(List.of("a cat"))[0]);
    }

    @Test
    void aFileThatIsThereStaysAsItIs() throws IOException {
        Path file = Files.writeString(directory.resolve("mine"), "mine");
        for (String format : List.of("jsonl", "npy")) {
            assertThat(run("embed", "--format", format, "-o", file.toString(), APPLE))
                    .isEqualTo(2);
            assertThat(errors())
                    .containsExactly(
                            TWIN,
                            "blip2: " + file
                                    + ": expected nothing there, found something; remove it, or choose another name");
            assertThat(file).hasContent("mine");
        }
        assertThat(run("embed", "-o", file + "/in", APPLE)).isEqualTo(2);
        assertThat(errors().get(1))
                .startsWith("blip2: --output: " + file + "/in: expected a file that can be written, got ");
    }

    @ParameterizedTest
    @CsvSource({"match, --text, a cat", "classify, --labels, cat", "embed, --json, --json"})
    void picturesThatCannotBeReadAreReportedAndTheOthersComeOut(String command, String option, String value)
            throws IOException {
        Path broken =
                Files.write(directory.resolve("broken.png"), new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
        String[] args = {command, broken.toString(), APPLE, directory + "/gone.png", BICYCLE, option, value};
        assertThat(run(option.equals(value) ? List.of(args).subList(0, 6).toArray(String[]::new) : args))
                .isOne();
        assertThat(lines()).hasSize(2);
        assertThat(lines().get(0)).contains(APPLE);
        assertThat(lines().get(1)).contains(BICYCLE);
        assertThat(errors()).hasSize(3);
        assertThat(errors().get(1)).startsWith("blip2: " + broken);
        assertThat(errors().get(2)).isEqualTo("blip2: " + directory + "/gone.png: no such file; check the path");
        // None at all is no reason for more.
        assertThat(run("match", directory + "/gone.png", "--text", "a cat")).isOne();
        assertThat(lines()).isEmpty();
    }

    @Test
    void aPictureMayComeFromStandardInput() throws IOException {
        run("match", APPLE, "--text", "a cat");
        List<String> expected = lines();
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream(Files.readAllBytes(Path.of(APPLE))));
        try {
            assertThat(run("match", "-", "--text", "a cat")).isZero();
        } finally {
            System.setIn(before);
        }
        assertThat(lines()).isEqualTo(expected);
    }

    @Test
    void checkpointsOfTheOtherKindAreRefusedInALine() {
        String generation = Resources.checkpoint("opt-tiny").toString();
        for (String[] arguments : List.of(
                new String[] {"match", "--model", generation, APPLE, "--text", "a cat"},
                new String[] {"classify", "--model", generation, APPLE, "--labels", "cat"},
                new String[] {"embed", "--model", generation, APPLE})) {
            assertThat(run(arguments)).isEqualTo(2);
            assertThat(errors())
                    .hasSize(1)
                    .first()
                    .asString()
                    .contains(
                            "expected a checkpoint for image–text retrieval",
                            "got a" + " checkpoint with a language model",
                            "Blip2Pipeline");
        }
        String retrieval = Resources.checkpoint("itm-tiny").toString();
        assertThat(run("caption", "--model", retrieval, APPLE)).isEqualTo(2);
        assertThat(errors())
                .hasSize(1)
                .first()
                .asString()
                .contains("expected a checkpoint with a language model", "got a checkpoint for image–text retrieval");
        assertThat(run("match", "--model", retrieval, APPLE, "--text", "a cat")).isZero();
        assertThat(errors()).isEmpty();
        assertThat(lines()).hasSize(1);
    }

    @Test
    void wrongArgumentsAreRefusedInALineBeforeTheModelIsLoaded() {
        refused(
                "--text: expected words, got \" \"; an empty text would match every picture alike",
                "match",
                APPLE,
                "--text",
                " ");
        refused("--text: expected words, got \"\"; leave it out", "embed", "--text", "");
        refused(
                "--labels: expected words, got \"\"; write them as --labels cat,dog,horse",
                "classify",
                APPLE,
                "--labels",
                "");
        refused(
                "--labels: expected words, got \"\"; write them as --labels cat,dog,horse",
                "classify",
                APPLE,
                "--labels",
                "cat,,dog");
        refused(
                "--template: expected {} in the place of the label, got \"a photo\"; such as \"a photo of a {}\"",
                "classify",
                APPLE,
                "--labels",
                "cat",
                "--template",
                "a photo");
        refused(
                "--top: expected 1 or more, got 0; leave it out for all labels",
                "classify",
                APPLE,
                "--labels",
                "a",
                "--top",
                "0");
        refused("IMAGE: expected - once, got it several times; standard input holds one picture", "embed", "-", "-");
        refused("IMAGE: expected pictures, --text, or both, got none; name what to embed", "embed");
        refused(
                "--queries: expected pictures alone, got --text too; a text has one embedding, embed it apart",
                "embed",
                "--queries",
                APPLE,
                "--text",
                "a cat");
        refused(
                "--json: expected --format jsonl, got npy; leave one of the two out",
                "embed",
                "--json",
                "--format",
                "npy",
                APPLE);
        assertThat(run("match", "--background", "nothing", APPLE, "--text", "a cat"))
                .isEqualTo(2);
        assertThat(errors()).hasSize(2);
        assertThat(errors().get(0)).startsWith("blip2: --background: expected a colour ");
        assertThat(run("classify", APPLE)).isEqualTo(2);
        assertThat(errors())
                .containsExactly("blip2: Missing required option: '--labels=A,B,C'", "Try: blip2 classify --help");
        assertThat(run("match", APPLE)).isEqualTo(2);
        assertThat(errors().get(0)).contains("Missing required option", "--text");
    }

    private void refused(String message, String... arguments) {
        assertThat(run(arguments)).isEqualTo(2);
        assertThat(errors()).containsExactly("blip2: " + message);
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void aTextOfSixHundredWordsIsCutWithAWarning() {
        PrintStream before = System.err;
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try {
            assertThat(run("match", APPLE, "--text", "apple ".repeat(600))).isZero();
        } finally {
            System.setErr(before);
        }
        assertThat(lines()).hasSize(1);
        assertThat(log.toString(StandardCharsets.UTF_8))
                .contains("a text of 602 tokens was cut to the 64 that the model has positions for");
        String cut = lines().get(0).split("\t", 2)[1];
        run("match", APPLE, "--text", "apple ".repeat(62));
        assertThat(lines().get(0).split("\t", 2)[1]).isEqualTo(cut);
    }

    private static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).floatValue();
        }
        return values;
    }

    private static void assertClose(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(1e-5f));
        }
    }
}
