/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.cli.Blip2;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The options of generation on the command line, scores, and pictures from standard input. */
class GenerationCommandsTest {
    private static final String MODEL = Resources.checkpoint("opt-tiny").toString();
    private static final String CAT = Resources.photo("cat.jpg").toString();
    private static final String COFFEE = Resources.photo("coffee.jpg").toString();

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

    private List<JsonNode> json(String... args) throws IOException {
        List<String> all = new ArrayList<>(List.of(args));
        all.addAll(1, List.of("--json", "--model", MODEL));
        assertThat(run(all.toArray(new String[0]))).as(err.toString()).isZero();
        List<JsonNode> lines = new ArrayList<>();
        for (String line : out.toString().lines().toList()) {
            lines.add(new ObjectMapper().readTree(line));
        }
        return lines;
    }

    private String ids(String... args) throws IOException {
        return json(args).get(0).get("token_ids").toString();
    }

    @Test
    void eachPresetIsTheOptionsItStandsFor() throws IOException {
        String caption = ids("caption", CAT);
        assertThat(caption)
                .isEqualTo(ids("caption", "--preset", "caption", CAT))
                .isEqualTo(ids(
                        "caption",
                        "--preset=transformers",
                        "--beams=5",
                        "--max-new-tokens=30",
                        "--min-new-tokens=8",
                        "--prompt=a photo of",
                        CAT));
        assertThat(caption).isNotEqualTo(ids("caption", "--preset", "transformers", CAT));
        assertThat(ids("answer", "--preset", "vqa", CAT, "what?"))
                .isEqualTo(ids("answer", "--beams=5", "--max-new-tokens=10", "--length-penalty=0", CAT, "what?"));
        assertThat(json("answer", "--preset=transformers", CAT, "what?").get(0).get("token_ids"))
                .hasSizeLessThanOrEqualTo(20);
        // What contradicts a preset counts more than it.
        assertThat(json("caption", "--max-new-tokens", "3", CAT).get(0).get("token_ids"))
                .hasSize(3);
    }

    @Test
    void theLineCountsMoreThanTheFileAndTheFileMoreThanThePreset() throws IOException {
        Path file = Files.writeString(
                directory.resolve("options.json"), "{\"max_new_tokens\": 4, \"num_beams\": 2, \"min_new_tokens\": 1}");
        String from = "--options=" + file;
        assertThat(ids("caption", from, "--prompt=", CAT))
                .isEqualTo(ids("caption", "--max-new-tokens=4", "--beams=2", "--prompt=", CAT));
        assertThat(json("caption", from, "--max-new-tokens=6", CAT).get(0).get("token_ids"))
                .hasSize(6);
        assertThat(run("caption", "--model", MODEL, "--options", directory + "/none.json", CAT))
                .isEqualTo(2);
        assertThat(err.toString())
                .isEqualToIgnoringNewLines(
                        "blip2: --options: " + directory + "/none.json: no such file; check the path\n");
        Files.writeString(file, "{\"num_beems\": 2}");
        assertThat(run("caption", "--model", MODEL, "--options", file.toString(), CAT))
                .isEqualTo(2);
        assertThat(err.toString())
                .isEqualToIgnoringNewLines("blip2: --options: " + file + ": generation option num_beems: expected an"
                        + " option of transformers; did you mean num_beams?; the options are constants of"
                        + " GenerationOption\n");
    }

    @Test
    void drawingIsRepeatedByItsSeedAndImpliedByItsOptions() throws IOException {
        List<String> seeded = List.of("--seed=7", "--max-new-tokens=12", "--prompt=");
        String first = ids("caption", seeded.get(0), seeded.get(1), seeded.get(2), CAT);
        assertThat(ids("caption", seeded.get(0), seeded.get(1), seeded.get(2), "--sample", CAT))
                .isEqualTo(first);
        HashSet<String> drawn = new HashSet<>();
        for (int seed = 0; seed < 4; seed++) {
            drawn.add(ids("caption", "--seed=" + seed, "--temperature=1.5", "--top-k=0", "--prompt=", CAT));
        }
        assertThat(drawn).hasSizeGreaterThan(1);
        // One token may be drawn: the best.
        assertThat(ids("caption", "--top-k=1", "--max-new-tokens=12", "--prompt=", CAT))
                .isEqualTo(ids("caption", "--beams=1", "--max-new-tokens=12", "--min-new-tokens=0", "--prompt=", CAT));
        assertThat(json("caption", "--sample", "--seed=3", "--candidates=4", CAT))
                .hasSize(4)
                .extracting(line -> line.get("candidate").intValue())
                .containsExactly(1, 2, 3, 4);
    }

    @Test
    void candidatesAreALineEachTheBestFirst() throws IOException {
        List<JsonNode> lines = json("caption", "--candidates=6", CAT);
        assertThat(lines).hasSize(6);
        List<Double> scores =
                lines.stream().map(line -> line.get("score").doubleValue()).toList();
        assertThat(scores).isSortedAccordingTo((left, right) -> Double.compare(right, left));
        assertThat(lines.stream().map(line -> line.get("token_ids").toString())).doesNotHaveDuplicates();
        assertThat(run("caption", "--model", MODEL, "--candidates=2", CAT, COFFEE))
                .isZero();
        assertThat(out.toString().lines())
                .hasSize(4)
                .satisfiesExactly(
                        line -> assertThat(line).startsWith(CAT + "\t"),
                        line -> assertThat(line).startsWith(CAT + "\t"),
                        line -> assertThat(line).startsWith(COFFEE + "\t"),
                        line -> assertThat(line).startsWith(COFFEE + "\t"));
    }

    @Test
    void probabilitiesStandBehindTheText() throws IOException {
        JsonNode line = json("answer", "--logprobs", CAT, "what?").get(0);
        double sum = 0;
        for (JsonNode each : line.get("token_log_probabilities")) {
            sum += each.doubleValue();
        }
        assertThat(line.get("token_log_probabilities"))
                .hasSize(line.get("token_ids").size());
        assertThat(line.get("log_probability").doubleValue())
                .isEqualTo(sum, org.assertj.core.api.Assertions.within(1e-3))
                .isNegative();
        assertThat(run("answer", "--logprobs", "--model", MODEL, CAT, "what?")).isZero();
        assertThat(out.toString()).matches("(?s).*\t-\\d+\\.\\d{3}\\R");
    }

    @Test
    void whatIsStreamedIsWhatIsPrinted() throws IOException {
        for (String command : List.of("caption", "answer")) {
            String last = command.equals("caption") ? COFFEE : "what is it?";
            assertThat(run(command, "--model", MODEL, "--logprobs", CAT, last)).isZero();
            String printed = out.toString();
            assertThat(run(command, "--model", MODEL, "--logprobs", "--stream", CAT, last))
                    .isZero();
            assertThat(out.toString()).isEqualTo(printed);
            List<JsonNode> lines = json(command, "--stream", CAT, last);
            StringBuilder pieces = new StringBuilder();
            String text = null;
            for (JsonNode line : lines.subList(0, lines.size())) {
                if (line.has("piece")) {
                    pieces.append(line.get("piece").textValue());
                } else if (text == null) {
                    text = line.get("text").textValue();
                    assertThat(pieces.toString()).isEqualTo(text);
                }
            }
            assertThat(text).isNotEmpty();
        }
        assertThat(run("caption", "--model", MODEL, "--stream", "--candidates=2", CAT))
                .isEqualTo(2);
        assertThat(err.toString())
                .startsWith("blip2: --stream: expected --candidates 1, got 2; several texts at once would be mixed");
    }

    @Test
    void aStopStringEndsTheText() throws IOException {
        String whole = json("answer", CAT, "what?").get(0).get("text").textValue();
        int word = whole.indexOf(' ', 1) + 1;
        String stop = whole.substring(word, word + 2);
        JsonNode line = json("answer", "--stop", stop, "--stop", "none such", CAT, "what?")
                .get(0);
        assertThat(line.get("finish_reason").textValue()).isEqualTo("stop_string");
        assertThat(line.get("text").textValue())
                .isEqualTo(whole.substring(0, whole.indexOf(stop)).strip());
    }

    @Test
    void wrongValuesNameTheOptionOfTheCommandLine() {
        String[][] wrong = {
            {"--beams=0", "--beams: expected a whole number from 1 to 2147483647, got 0"},
            {"--temperature=0", "--temperature: expected a number above 0, got 0.0"},
            {"--top-p=2", "--top-p: expected a number from 0 to 1, got 2.0"},
            {"--top-k=-1", "--top-k: expected a whole number from 0 to 2147483647, got -1"},
            {"--candidates=0", "--candidates: expected a whole number from 1 to 2147483647, got 0"},
            {"--beams=x", "Invalid value for option '--beams': 'x' is not an int"},
            {"--preset=best", "Invalid value for option '--preset': expected one of [CAPTION, VQA, BEAMS, TRANSFORMERS]"
            },
        };
        for (String[] one : wrong) {
            assertThat(run("caption", "--model", MODEL, one[0], CAT)).isEqualTo(2);
            assertThat(err.toString()).startsWith("blip2: " + one[1]);
            assertThat(out.toString()).isEmpty();
        }
        assertThat(run("caption", "--model", MODEL, "--beams=2", "--candidates=3", CAT))
                .isEqualTo(2);
        assertThat(err.toString())
                .startsWith(
                        "blip2: --candidates: expected at most --beams, 2, got 3; raise --beams, or draw tokens with"
                                + " --sample and without beams");
        assertThat(run("caption", "--model", MODEL, "--min-new-tokens=9", "--max-new-tokens=4", CAT))
                .isEqualTo(2);
        assertThat(err.toString()).startsWith("blip2: --min-new-tokens: expected at most --max-new-tokens, 4, got 9");
    }

    @Test
    void aPictureComesFromStandardInput() throws IOException {
        InputStream before = System.in;
        try {
            String named = ids("caption", CAT);
            System.setIn(Files.newInputStream(Path.of(CAT)));
            assertThat(ids("caption", "-")).isEqualTo(named);
            System.setIn(Files.newInputStream(Path.of(CAT)));
            List<JsonNode> two = json("caption", COFFEE, "-");
            assertThat(two).extracting(line -> line.get("file").textValue()).containsExactly(COFFEE, "-");
            assertThat(two.get(1).get("token_ids").toString()).isEqualTo(named);
            String answer = ids("answer", CAT, "what?");
            System.setIn(Files.newInputStream(Path.of(CAT)));
            assertThat(ids("answer", "-", "what?")).isEqualTo(answer);
            System.setIn(new ByteArrayInputStream(new byte[] {1, 2, 3}));
            assertThat(run("caption", "--model", MODEL, "-", CAT)).isEqualTo(1);
            assertThat(err.toString()).startsWith("blip2: standard input: ");
            assertThat(out.toString()).startsWith(CAT + "\t");
            assertThat(run("caption", "--model", MODEL, "-", "-")).isEqualTo(2);
            assertThat(err.toString()).startsWith("blip2: IMAGE: expected - once, got it several times");
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void candidatesAreRankedByTheirProbability() throws IOException {
        List<JsonNode> lines = json("score", CAT, "a cat", "two dogs on a bench", "--prompt", "a photo of");
        assertThat(lines).hasSize(2);
        assertThat(lines.get(0).get("log_probability").doubleValue())
                .isGreaterThan(lines.get(1).get("log_probability").doubleValue());
        for (JsonNode line : lines) {
            double mean = line.get("mean_log_probability").doubleValue();
            int tokens = line.get("token_ids").size();
            assertThat(line.get("token_log_probabilities")).hasSize(tokens);
            assertThat(line.get("log_probability").doubleValue())
                    .isCloseTo(mean * tokens, org.assertj.core.api.Assertions.within(1e-6));
            assertThat(line.get("perplexity").doubleValue())
                    .isCloseTo(Math.exp(-mean), org.assertj.core.api.Assertions.within(1e-6));
        }
        assertThat(run("score", "--model", MODEL, CAT, "a cat", "a dog")).isZero();
        assertThat(out.toString().lines())
                .hasSize(2)
                .allMatch(line -> line.matches(".*\t-\\d+\\.\\d{3}\t-\\d+\\.\\d{3}"));
        assertThat(run("score", "--model", MODEL, directory + "/none.png", "a cat"))
                .isEqualTo(1);
        assertThat(run("score", "--model", MODEL, CAT, "a cat", " ")).isEqualTo(2);
        assertThat(err.toString()).startsWith("blip2: CANDIDATE: expected words, got \" \"");
    }

    @Test
    void theDemoModelNamesADrawingWithItsMostProbableName() throws IOException {
        HeldOutDrawings.Drawing drawing = HeldOutDrawings.examples().get(0);
        String right = drawing.caption().text();
        assertThat(run("score", "--json", drawing.file().toString(), "a bicycle bell", right, "a cloud"))
                .isZero();
        assertThat(new ObjectMapper()
                        .readTree(out.toString().lines().findFirst().orElseThrow())
                        .get("text")
                        .textValue())
                .isEqualTo(right);
        assertThat(err.toString())
                .contains("type: blip2 score --model Salesforce/blip2-opt-2.7b IMAGE CANDIDATE... (which downloads");
    }
}
