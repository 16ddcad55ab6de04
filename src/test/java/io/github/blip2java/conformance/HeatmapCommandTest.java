/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.AttentionMap;
import io.github.blip2java.cli.Blip2;
import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.pipeline.Blip2RetrievalPipeline;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code blip2 heatmap}: what it draws is where the thing is, and what it prints is what the library says. */
class HeatmapCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path PICTURE = HeldOutDrawings.REPOSITORY.resolve("docs/heatmaps/apple-and-pear.png");
    private static final String APPLE =
            HeldOutDrawings.REPOSITORY.resolve("docs/pictures/red-apple.png").toString();

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Blip2.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    private List<String> errors() {
        return err.toString().lines().toList();
    }

    /** By colour: glowing pixels, which are light and yellow, in the left and the right half of the picture. */
    @ParameterizedTest
    @CsvSource({"a red apple, 0", "apple, 0", "a green pear, 1", "pear, 1"})
    void theThingOfTheNameLightsUp(String text, int side) throws IOException {
        Path file = directory.resolve("heat.png");
        assertThat(run("heatmap", PICTURE.toString(), text, "-o", file.toString()))
                .isZero();
        Image drawn = ImageReader.read(file);
        Image picture = ImageReader.read(PICTURE);
        assertThat(drawn.width()).isEqualTo(picture.width());
        assertThat(drawn.height()).isBetween(picture.height() + 40, picture.height() + 120);
        int[] glowing = new int[2];
        for (int y = 0; y < picture.height(); y++) {
            for (int x = 0; x < picture.width(); x++) {
                int at = 3 * (y * drawn.width() + x);
                int red = drawn.rgb()[at] & 0xff;
                int blue = drawn.rgb()[at + 2] & 0xff;
                glowing[2 * x / picture.width()] += red > 170 && red - blue > 100 ? 1 : 0;
            }
        }
        assertThat(glowing[side]).isGreaterThan(500);
        assertThat(glowing[1 - side]).isLessThan(glowing[side] / 20);
        try (Blip2RetrievalPipeline blip2 = Blip2RetrievalPipeline.load(DemoModel.retrievalCheckpoint())) {
            float probability = blip2.match(picture, text).matchProbability();
            assertThat(probability).isGreaterThan(0.5f);
            assertThat(out.toString().strip()).isEqualTo(text + "\t" + String.format(Locale.ROOT, "%.4f", probability));
        }
        assertThat(errors())
                .hasSize(1)
                .first()
                .asString()
                .startsWith("blip2: this is the retrieval twin of the small demo model");
    }

    @Test
    void jsonHoldsTheNumbers() throws IOException {
        assertThat(run("heatmap", "--json", PICTURE.toString(), "a green pear")).isZero();
        JsonNode line = JSON.readTree(out.toString());
        try (Blip2RetrievalPipeline blip2 = Blip2RetrievalPipeline.load(DemoModel.retrievalCheckpoint())) {
            AttentionMap map = blip2.explain(ImageReader.read(PICTURE), "a green pear");
            assertThat(line.get("file").textValue()).isEqualTo(PICTURE.toString());
            assertThat(line.get("text").textValue()).isEqualTo("a green pear");
            assertThat(line.get("heads").intValue()).isEqualTo(map.heads());
            assertThat(line.get("rows").intValue()).isEqualTo(map.rows());
            assertThat(line.get("columns").intValue()).isEqualTo(map.columns());
            assertThat(line.get("values")).hasSize(map.heads());
            for (int head = 0; head < map.heads(); head++) {
                for (int row = 0; row < map.rows(); row++) {
                    for (int column = 0; column < map.columns(); column++) {
                        assertThat(line.get("values")
                                        .get(head)
                                        .get(row)
                                        .get(column)
                                        .floatValue())
                                .isCloseTo(map.values()[head][row][column], within(1e-5f));
                    }
                }
            }
        }
        assertThat(line.has("output")).isFalse();
    }

    @Test
    void saysWhereATextDoesNotFit() {
        Path file = directory.resolve("bicycle.png");
        assertThat(run("heatmap", PICTURE.toString(), "a bicycle", "-o", file.toString()))
                .isZero();
        assertThat(errors().get(1))
                .isEqualTo("blip2: \"a bicycle\" hardly matches the picture, so the heat means little");
        assertThat(file).exists();
    }

    @Test
    void aCheckpointForCaptionsShowsItsOwnWords() throws IOException {
        String model = DemoModel.checkpoint().toString();
        Path file = directory.resolve("words.png");
        assertThat(run("heatmap", "--model", model, "--json", APPLE, "-o", file.toString()))
                .isZero();
        List<String> lines = out.toString().lines().toList();
        assertThat(lines).hasSize(3);
        assertThat(JSON.readTree(lines.get(2)).get("caption").textValue()).isEqualTo("a red apple");
        assertThat(JSON.readTree(lines.get(2)).get("word").textValue()).isEqualTo("apple");
        assertThat(JSON.readTree(lines.get(2)).get("output").textValue()).isEqualTo(file.toString());
        assertThat(ImageReader.read(file).width()).isEqualTo(512);
        assertThat(errors()).isEmpty();

        Path word = directory.resolve("word.png");
        assertThat(run("heatmap", "--model", model, APPLE, "Apple!", "-o", word.toString()))
                .isZero();
        assertThat(out.toString().strip()).isEqualTo("apple");
        assertThat(Files.readAllBytes(word)).isNotEqualTo(Files.readAllBytes(file));

        Path none = directory.resolve("none.png");
        assertThat(run("heatmap", "--model", model, APPLE, "pear", "-o", none.toString()))
                .isEqualTo(2);
        assertThat(errors())
                .containsExactly(
                        "blip2: TEXT: expected a word of the caption \"a red apple\", got \"pear\"; name one of its"
                                + " words, or ask a checkpoint for retrieval, which takes any text");
        assertThat(none).doesNotExist();
    }

    @Test
    void aFileThatIsThereStaysAsItIs() throws IOException {
        Path file = Files.writeString(directory.resolve("mine.png"), "mine");
        refused(
                file + ": expected nothing there, found something; remove it, or choose another name",
                PICTURE.toString(),
                "apple",
                "-o",
                file.toString());
        assertThat(file).hasContent("mine");
    }

    @Test
    void wrongArgumentsAreRefusedInALineBeforeTheModelIsLoaded() {
        String picture = PICTURE.toString();
        String file = directory.resolve("a.png").toString();
        refused(
                "--output: expected a .png file to draw into, got none; name one, or print the numbers with --json",
                picture,
                "apple");
        refused(
                "--output: expected a name that ends in .png, got \"a.jpg\"; a heat map is a PNG",
                picture,
                "apple",
                "-o",
                "a.jpg");
        refused(
                "--output: " + directory + "/no/a.png: expected a file in a folder that is there, got " + directory
                        + "/no; make the folder first",
                picture,
                "apple",
                "-o",
                directory + "/no/a.png");
        refused("TEXT: expected words to look for, got none; say what the picture may show", picture, "-o", file);
        refused("TEXT: expected words to look for, got \" \"; say what the picture may show", picture, " ", "-o", file);
        refused(directory + "/gone.png: no such file; check the path", directory + "/gone.png", "apple", "-o", file);
    }

    private void refused(String message, String... arguments) {
        String[] all = new String[arguments.length + 1];
        all[0] = "heatmap";
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        assertThat(run(all)).isEqualTo(2);
        assertThat(errors()).containsExactly("blip2: " + message);
        assertThat(out.toString()).isEmpty();
    }
}
