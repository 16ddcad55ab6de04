/* SPDX-License-Identifier: Apache-2.0 */
package io.github.blip2java.examples;

import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.pipeline.Blip2Request;
import io.github.blip2java.pipeline.GeneratedText;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Asks several questions about one picture, which is looked at once. */
public final class AskManyQuestions {
    private AskManyQuestions() {}

    /**
     * Asks.
     *
     * @param checkpoint a checkpoint folder
     * @param picture    a picture file
     * @param questions  plain questions
     * @return an answer to each
     * @throws IOException if a file is missing or unreadable
     */
    public static List<String> run(Path checkpoint, Path picture, List<String> questions) throws IOException {
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(checkpoint)) {
            Blip2Request request = Blip2Request.about(ImageReader.read(picture))
                    .questions(questions)
                    .build();
            return blip2.generate(request).stream().map(GeneratedText::text).toList();
        }
    }

    /**
     * Runs the program.
     *
     * @param args a checkpoint folder, a picture file, and questions
     * @throws IOException if a file is missing or unreadable
     */
    public static void main(String[] args) throws IOException {
        List<String> questions = Arrays.asList(args).subList(2, args.length);
        run(Path.of(args[0]), Path.of(args[1]), questions).forEach(System.out::println);
    }
}
