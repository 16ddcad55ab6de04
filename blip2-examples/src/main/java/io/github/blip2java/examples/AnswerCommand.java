/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.ImageEncoding;
import io.github.blip2java.processor.Blip2Pipeline;
import io.github.blip2java.processor.GeneratedText;
import io.github.blip2java.processor.Image;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Answers questions about a picture. */
@Command(
        name = "answer",
        mixinStandardHelpOptions = true,
        description = "Answers questions about a picture, which is looked at once.",
        footer = {"", "Example:", "  blip2 answer --model models/blip2-opt-2.7b cat.jpg \"which animal is this?\""})
final class AnswerCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "IMAGE", description = "A picture file.")
    private String image;

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "QUESTION", description = "What to ask, in plain words.")
    private List<String> questions;

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "The words around a question, which {} stands for (default: \"${DEFAULT-VALUE}\").",
            defaultValue = "Question: {} Short answer:")
    private String prompt;

    @Mixin
    private GenerationOptions options;

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
        for (String question : questions) {
            if (question.isBlank()) {
                throw new IllegalArgumentException("QUESTION: expected words, got \"" + question
                        + "\"; for a description without a question use `blip2 caption`");
            }
        }
        PrintWriter err = spec.commandLine().getErr();
        TextPrinter printer = new TextPrinter(spec.commandLine().getOut(), options.json(), questions.size() > 1);
        try (Progress progress = new Progress(err);
                Blip2Pipeline blip2 = options.load(progress)) {
            blip2.checkPrompts(questions.stream().map(this::asked).toList());
            Image picture;
            try {
                picture = ImageReader.read(Path.of(image), options.reading());
            } catch (IOException | InvalidPathException e) {
                progress.clear();
                err.println("blip2: " + Blip2.message(e));
                return Blip2.SOME_FAILED;
            }
            progress.show("looking at " + image);
            long start = System.nanoTime();
            ImageEncoding encoding = blip2.encode(picture);
            for (String question : questions) {
                GeneratedText answer = blip2.caption(encoding, asked(question));
                progress.clear();
                printer.print(image, question, answer, (System.nanoTime() - start) / 1e9);
                start = System.nanoTime();
            }
        }
        return Blip2.OK;
    }

    private String asked(String question) {
        return prompt.replace("{}", question);
    }
}
