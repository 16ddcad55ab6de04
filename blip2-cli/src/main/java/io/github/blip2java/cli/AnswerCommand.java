/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.cli;

import io.github.blip2java.ImageEncoding;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.processor.Image;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Answers questions about a picture. */
@Command(
        name = "answer",
        mixinStandardHelpOptions = true,
        description = "Answers questions about a picture, which is looked at once, or about each of those in folders.",
        footer = {
            "",
            "Examples:",
            "  blip2 answer --model models/blip2-opt-2.7b cat.jpg \"which animal is this?\"",
            "  blip2 answer --model models/blip2-opt-2.7b photos -r -o animals.csv --question \"which animal is this?\""
        })
final class AnswerCommand implements Callable<Integer> {
    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "IMAGE",
            description =
                    "A picture file; - reads it from standard input. Or a folder of pictures. None with --files-from.")
    private String image;

    @Parameters(index = "1..*", arity = "0..*", paramLabel = "QUESTION", description = "What to ask, in plain words.")
    private List<String> words = List.of();

    @Option(
            names = {"-q", "--question"},
            paramLabel = "QUESTION",
            description = "What to ask, too. May be given several times.")
    private List<String> more = List.of();

    @Option(
            names = "--questions",
            paramLabel = "FILE",
            description = "A file with a question in each line, which are asked, too.")
    private Path file;

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "The words around a question, which {} stands for (default: \"${DEFAULT-VALUE}\").",
            defaultValue = "Question: {} Short answer:")
    private String prompt;

    @Mixin
    private FolderOptions folders;

    @Mixin
    private GenerationOptions generation;

    @Mixin
    private ResultOptions results;

    @Mixin
    private PipelineOptions pipeline;

    @Spec
    private CommandSpec spec;

    /** Made by picocli. */
    AnswerCommand() {}

    @Override
    public Integer call() throws Exception {
        if (!prompt.contains("{}")) {
            throw new IllegalArgumentException("--prompt: expected {} where the question goes, got \"" + prompt
                    + "\"; for a caption use `blip2 caption`");
        }
        List<String> questions = questions();
        for (String question : questions) {
            if (question.isBlank()) {
                throw new IllegalArgumentException("QUESTION: expected words, got \"" + question
                        + "\"; for a description without a question use `blip2 caption`");
            }
        }
        results.check();
        Blip2Request.Builder request = generation
                .request(results.candidates(), null)
                .logProbabilities(results.logProbabilities())
                .prompts(questions.stream().map(this::asked).toList());
        List<String> images = folders.hasList() ? List.of() : List.of(image);
        if (folders.isUsed(images)) {
            List<String> once = questions.stream().distinct().toList();
            request.prompts(once.stream().map(this::asked).toList());
            return folders.run(images, once, request.build(), generation, results, pipeline);
        }
        PrintWriter err = spec.commandLine().getErr();
        TextPrinter printer = new TextPrinter(spec.commandLine().getOut(), pipeline.json(), questions.size() > 1);
        try (Progress progress = new Progress(err);
                Blip2Pipeline blip2 = pipeline.load(progress)) {
            generation.explained(() -> {
                blip2.check(request.build());
                return null;
            });
            Image picture;
            try {
                picture = PictureArgument.read(image, pipeline.reading());
            } catch (IOException e) {
                progress.clear();
                err.println("blip2: " + e.getMessage());
                return Blip2.SOME_FAILED;
            }
            progress.show("looking at " + image);
            long start = System.nanoTime();
            ImageEncoding encoding = blip2.encode(picture);
            for (String question : questions) {
                if (results.stream()) {
                    request.listener(printer.listener(image, question, progress::clear));
                }
                GeneratedText answer = blip2.generate(request.encoding(encoding)
                                .prompt(asked(question))
                                .build())
                        .get(0);
                progress.clear();
                printer.print(image, question, answer, (System.nanoTime() - start) / 1e9);
                start = System.nanoTime();
            }
        }
        return Blip2.OK;
    }

    /** All that is asked. */
    private List<String> questions() throws IOException {
        List<String> all = new ArrayList<>();
        if (folders.hasList() && image != null) {
            all.add(image); // no picture is named beside a list
        }
        all.addAll(words);
        all.addAll(more);
        if (file != null) {
            all.addAll(read(file));
        }
        if (image == null && !folders.hasList()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "Missing required parameter: 'IMAGE'; name a picture file or a folder, or a list of them with --files-from");
        }
        if (all.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "Missing required parameter: 'QUESTION'; ask one behind the picture, --question or --questions; for a description"
                            + " without a question use `blip2 caption`");
        }
        return all;
    }

    private static List<String> read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new IOException("--questions: " + file + ": expected a file with a question in each line, got "
                    + (Files.exists(file) ? "something else" : "nothing there") + "; check the path");
        }
        try {
            return Files.readAllLines(file).stream()
                    .filter(line -> !line.isBlank())
                    .map(String::strip)
                    .toList();
        } catch (MalformedInputException e) {
            throw new IllegalArgumentException("--questions: " + file + ": expected text in UTF-8, got other bytes", e);
        }
    }

    private String asked(String question) {
        return prompt.replace("{}", question);
    }
}
