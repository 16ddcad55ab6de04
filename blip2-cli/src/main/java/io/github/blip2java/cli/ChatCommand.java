/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.checkpoint.NearestNames;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.Talk;
import io.github.blip2java.processor.Image;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** A conversation about a picture, a line in and a line out. */
@Command(
        name = "chat",
        mixinStandardHelpOptions = true,
        description = {
            "Talks about a picture: reads questions from standard input, one a line, and prints an answer to each while it"
                    + " is written. Each question comes behind the ones before.",
            "A line may also be one of these:",
            "/history     shows what was said",
            "/undo        takes the last question back",
            "/image FILE  begins again with another picture",
            "/help        shows this",
            "/quit        ends, as the end of the input does"
        },
        footer = {
            "",
            "Examples:",
            "  blip2 chat --model models/blip2-opt-2.7b cat.jpg",
            "  printf '%%s\\n' \"which animal is this?\" \"what colour is it?\" | blip2 chat cat.jpg"
        })
final class ChatCommand implements Callable<Integer> {
    private static final List<String> COMMANDS = List.of("/history", "/undo", "/image", "/help", "/quit");

    @Parameters(
            index = "0",
            paramLabel = "IMAGE",
            description = "A picture file; not -, as standard input is where the questions come from.")
    private String image;

    @Mixin
    private GenerationOptions generation;

    @Mixin
    private PipelineOptions pipeline;

    @Spec
    private CommandSpec spec;

    private Blip2Pipeline blip2;
    private Progress progress;
    private TextPrinter printer;
    private Talk talk;
    private int failed;

    /** Made by picocli. */
    ChatCommand() {}

    @Override
    public Integer call() throws Exception {
        if (image.equals(PictureArgument.STANDARD_INPUT)) {
            throw new IllegalArgumentException(
                    "IMAGE: expected a file, got -; standard input is where the questions come from, so save the picture"
                            + " first");
        }
        Blip2Request request = generation.request(1, null).build();
        printer = new TextPrinter(spec.commandLine().getOut(), pipeline.json(), false);
        failed = 0;
        try (Progress shown = new Progress(spec.commandLine().getErr());
                Blip2Pipeline loaded = pipeline.load(shown)) {
            progress = shown;
            blip2 = loaded;
            generation.explained(() -> {
                blip2.check(request);
                return null;
            });
            if (look(image, request)) {
                BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, Output.charset()));
                for (String line = next(lines); line != null && !line.equals("/quit"); line = next(lines)) {
                    if (!line.isEmpty()) {
                        handle(line, request);
                    }
                }
            }
        }
        return failed == 0 ? Blip2.OK : Blip2.SOME_FAILED;
    }

    private String next(BufferedReader lines) throws IOException {
        progress.prompt("> ");
        String line = lines.readLine();
        return line == null ? null : line.strip();
    }

    private void handle(String line, Blip2Request request) throws IOException {
        String[] words = line.split("\\s+", 2);
        switch (words[0]) {
            case "/history" -> talk.history().forEach(this::show);
            case "/undo" -> note(talk.undo() ? "taken back" : "there is nothing to take back");
            case "/help" -> {
                for (String each : spec.usageMessage().description()) {
                    spec.commandLine().getOut().println(each);
                }
                Output.flush(spec.commandLine().getOut());
            }
            case "/image" -> {
                if (words.length == 1) {
                    fail("/image: expected a picture file, got nothing; type /image FILE");
                } else {
                    look(words[1], request);
                }
            }
            default -> {
                if (line.startsWith("/")) {
                    fail("expected a question or " + String.join(", ", COMMANDS) + ", got \"" + words[0] + "\""
                            + NearestNames.meant(words[0], COMMANDS)
                                    .map(name -> "; did you mean " + name + "?")
                                    .orElse(""));
                } else {
                    ask(line);
                }
            }
        }
    }

    private void ask(String question) throws IOException {
        long start = System.nanoTime();
        try {
            var answer = generation.explained(
                    () -> talk.ask(question, pipeline.json() ? null : printer.listener(image, question, () -> {})));
            printer.print(image, question, answer, (System.nanoTime() - start) / 1e9);
        } catch (IllegalArgumentException e) {
            fail(e.getMessage());
        }
    }

    private void show(Talk.Turn turn) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("question", turn.question());
        fields.put("answer", turn.answer().text());
        printer.print(fields, turn.question(), turn.answer().text());
    }

    /** Begins with a picture; where it cannot be read, the one before stays. */
    private boolean look(String name, Blip2Request request) {
        Image picture;
        try {
            picture = PictureArgument.read(name, pipeline.reading());
        } catch (IOException e) {
            progress.clear();
            fail(e.getMessage());
            return false;
        }
        progress.show("looking at " + name);
        talk = blip2.talk(request.toBuilder().images(List.of(picture)).build());
        image = name;
        progress.clear();
        return true;
    }

    private void fail(String message) {
        note(message);
        failed++;
    }

    private void note(String message) {
        PrintWriter err = spec.commandLine().getErr();
        err.println("blip2: " + message);
        err.flush();
    }
}
