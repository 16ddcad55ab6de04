/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.blip2java.cli.Blip2;
import io.github.blip2java.generation.GenerationConfig;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.Talk;
import io.github.blip2java.processor.ImageReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A conversation through a pipe. */
class ChatCommandTest {
    private static final String MODEL = Resources.checkpoint("opt-tiny").toString();
    private static final String CAT = Resources.photo("cat.jpg").toString();
    private static final String COFFEE = Resources.photo("coffee.jpg").toString();

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int chat(List<String> lines, String... more) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        List<String> args = new ArrayList<>(List.of("chat", "--model", MODEL, "--max-new-tokens", "5"));
        args.addAll(List.of(more));
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream(String.join("\n", lines).getBytes(Charset.defaultCharset())));
        try {
            return Blip2.commandLine()
                    .setOut(new PrintWriter(out, true))
                    .setErr(new PrintWriter(err, true))
                    .execute(args.toArray(new String[0]));
        } finally {
            System.setIn(before);
        }
    }

    private List<String> lines() {
        return out.toString().lines().toList();
    }

    /** What a conversation in Java answers. */
    private static List<String> answers(String picture, String... questions) throws IOException {
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(Path.of(MODEL))) {
            Talk talk = blip2.talk(Blip2Request.about(ImageReader.read(Path.of(picture)))
                    .options(GenerationConfig.builder().maxNewTokens(5).build())
                    .build());
            List<String> answers = new ArrayList<>();
            for (String question : questions) {
                answers.add(talk.ask(question).text());
            }
            return answers;
        }
    }

    @Test
    void aLineInIsALineOut() throws IOException {
        assertThat(chat(List.of("what is it?", "", "  why? "), CAT)).isZero();
        assertThat(lines()).isEqualTo(answers(CAT, "what is it?", "why?"));
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void historyUndoAndAnotherPicture() throws IOException {
        List<String> cat = answers(CAT, "what is it?", "why?");
        assertThat(chat(
                        List.of("what is it?", "why?", "/undo", "why?", "/history", "/image " + COFFEE, "what is it?"),
                        CAT))
                .isZero();
        List<String> expected = new ArrayList<>(cat);
        expected.add(cat.get(1));
        expected.add("what is it?\t" + cat.get(0));
        expected.add("why?\t" + cat.get(1));
        expected.addAll(answers(COFFEE, "what is it?"));
        assertThat(lines()).isEqualTo(expected);
        assertThat(err.toString()).isEqualToIgnoringNewLines("blip2: taken back");
    }

    @Test
    void jsonHasAnObjectForEachAnswer() throws IOException {
        assertThat(chat(List.of("what is it?", "/history", "/quit", "not asked"), "--json", CAT))
                .isZero();
        assertThat(lines()).hasSize(2);
        JsonNode answer = new ObjectMapper().readTree(lines().get(0));
        JsonNode turn = new ObjectMapper().readTree(lines().get(1));
        assertThat(answer.get("question").textValue()).isEqualTo("what is it?");
        assertThat(answer.get("text").textValue())
                .isEqualTo(answers(CAT, "what is it?").get(0))
                .isEqualTo(turn.get("answer").textValue());
        assertThat(answer.get("token_ids").size()).isPositive();
    }

    @Test
    void whatGoesWrongDoesNotEndTheConversation() throws IOException {
        String missing = directory + "/missing.png";
        assertThat(chat(
                        List.of(
                                "/histori",
                                "/image",
                                "/image " + missing,
                                "is it <image>?",
                                "why? ".repeat(90),
                                "/undo",
                                "what is it?"),
                        CAT))
                .isEqualTo(1);
        assertThat(lines()).isEqualTo(answers(CAT, "what is it?"));
        assertThat(err.toString().lines().toList())
                .satisfiesExactly(
                        line -> assertThat(line)
                                .isEqualTo("blip2: expected a question or /history, /undo, /image, /help, /quit, got"
                                        + " \"/histori\"; did you mean /history?"),
                        line -> assertThat(line)
                                .isEqualTo("blip2: /image: expected a picture file, got nothing; type /image FILE"),
                        line -> assertThat(line).startsWith("blip2: " + missing + ": no such file"),
                        line -> assertThat(line).startsWith("blip2: text: expected none with <image>"),
                        line -> assertThat(line).startsWith("blip2: sequence: expected at most 96 positions"),
                        line -> assertThat(line).isEqualTo("blip2: there is nothing to take back"));
        assertThat(chat(List.of("what?"), missing)).isEqualTo(1);
        assertThat(chat(List.of("what?"), "-")).isEqualTo(2);
        assertThat(err.toString())
                .startsWith("blip2: IMAGE: expected a file, got -; standard input is where the questions come from");
    }

    @Test
    void helpNamesEveryCommand() {
        assertThat(chat(List.of("/help"), CAT)).isZero();
        assertThat(out.toString()).contains("/history", "/undo", "/image FILE", "/help", "/quit");
    }
}
